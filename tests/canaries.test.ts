// Strings that occur nowhere else go in wherever a secret may go in; then everything that Signpost writes is searched.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import { verify } from '@signpost/contracts/verify';
import { type AppProcess, type ReceivedRequest, type Receiver, startApp, startReceiver } from '@signpost/testing';
import { canaries, canary, found } from './support/canaries.ts';
import { type Installation, startInstallation } from './support/installation.ts';
import { loopbackNameServer } from './support/name-server.ts';
import { everythingOnQueuePage } from './support/queue-page.ts';
import {
  everyColumnWith,
  everythingInRedis,
  listenToRedis,
  type RedisListener,
  spellingsOf,
} from './support/search-stores.ts';

/** Where each may be: `table.column`. What is not listed is nowhere. */
const homes: Record<string, readonly string[]> = {
  'Authorization header': ['webhooks.headers'],
  'changed Authorization header': ['webhooks.headers'],
  'header with a token': ['webhooks.headers'],
  'header with a key': ['webhooks.headers'],
  'token in a URL': ['attempts.request_url', 'webhooks.url'],
  'idempotency key': ['idempotency_keys.key'],
  // The receiver repeats it.
  payload: ['attempts.response_body', 'events.payload'],
};

let receiver: Receiver;
let signpost: Installation;
let queuePage: AppProcess;
let monitor: RedisListener;
const ids: Record<string, string> = {};
const dumps = { logs: '', metrics: '', told: '', redis: '', pages: '', queuePage: '' };
const processTimeoutMs = 120_000;

beforeAll(async () => {
  receiver = await startReceiver(repeatEverything);
  signpost = await startInstallation({
    environment: { LOG_LEVEL: 'trace', INTERNAL_PORT: '0', NODE_OPTIONS: `--import=${loopbackNameServer}` },
  });
  canaries['API key'] = signpost.key;
  canaries['instance key'] = signpost.environment['ADMIN_API_KEY'] as string;
  canaries['encryption key'] = signpost.environment['ENCRYPTION_KEY'] as string;
  queuePage = await startApp('queue-page', { REDIS_URL: signpost.redis.url, LOG_LEVEL: 'trace' });
  monitor = await listenToRedis(signpost.redis.port);
  await driveManagement();
  await driveDeliveries();
  await driveRefusals();
  await collect();
}, processTimeoutMs);
afterAll(async () => {
  monitor.stop();
  await queuePage.stop();
  await signpost.close();
  await receiver.close();
}, processTimeoutMs);

/** A receiver that puts all that it was sent into its answer, as those do that are made for looking at requests. */
function repeatEverything({ path, headers, body }: ReceivedRequest) {
  const { host } = new URL(receiver.url);
  const password = canary("password in a receiver's Location");
  const elsewhere = `http://user:${password}@${host}/?token=${canary("token in a receiver's Location")}`;
  return {
    status: path.startsWith('/failing') ? 307 : 200,
    headers: {
      'set-cookie': `session=${canary("receiver's cookie")}`,
      'x-repeated': [headers.authorization, headers['x-vendor-token'], headers['x-access-key']].join(' '),
      location: elsewhere,
      'content-location': elsewhere,
      refresh: `5; url=${elsewhere}`,
    },
    body: `${JSON.stringify(headers)}\n${String(headers.authorization).replace('Bearer ', 'Not valid: ')}\n${body.toString()}`,
  };
}

async function ask(status: number, method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const answer = await signpost.call(method, path, body, headers);
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

async function driveManagement(): Promise<void> {
  const token = `?token=${canary('token in a URL')}`;
  const headers = {
    authorization: `Bearer ${canary('Authorization header')}`,
    'x-vendor-token': canary('header with a token'),
    'x-access-key': canary('header with a key'),
  };
  const common = { events: ['call.*'], retry_schedule: [], timeout_ms: 2000, headers };
  const create = async (name: string, more: Record<string, unknown>): Promise<void> => {
    const webhook = await ask(201, 'POST', '/v1/webhooks', { ...common, ...more });
    ids[name] = webhook.id;
    if (more['secret'] === undefined) canaries[`signing secret of ${name}`] = webhook.signing_secret;
  };
  await create('given', { url: `${receiver.url}/given${token}`, secret: canary('given signing secret') });
  await create('made', { url: `${receiver.url}/made${token}` });
  await create('failing', { url: `${receiver.url}/failing${token}` });
  await create('tls', { url: `https://127.0.0.1:${receiver.port}/tls${token}` });
  await create('dns', { url: `http://hooks.example.com/dns${token}` });
  const change = {
    headers: { authorization: canary('changed Authorization header') },
    url: `${receiver.url}/made${token}`,
  };
  await ask(200, 'PATCH', `/v1/webhooks/${ids['made']}`, change);
  const secret = canary('signing secret of a rotation');
  await ask(200, 'POST', `/v1/webhooks/${ids['given']}/rotate-secret`, { secret, overlap_seconds: 600 });
  const read = await ask(201, 'POST', '/v1/api-keys', { name: 'reader', scopes: ['read'] });
  canaries['key with the scope read'] = read.secret;
  ids['apiKey'] = read.id;
  ids['workspace'] = (await ask(200, 'GET', '/v1/workspaces')).data[0].id;
  const asInstance = {
    authorization: `Bearer ${canary('instance key')}`,
    'x-workspace-id': ids['workspace'] as string,
  };
  await ask(201, 'POST', '/v1/event-types', { name: 'call.ended' }, asInstance);
}

async function driveDeliveries(): Promise<void> {
  const event = { event_type: 'call.ended', data: { said: canary('payload') } };
  const published = await ask(202, 'POST', '/v1/events', event, { 'idempotency-key': canary('idempotency key') });
  await ask(200, 'POST', '/v1/events', event, { 'idempotency-key': canary('idempotency key') });
  ids['event'] = published.id;
  const deliveries = await signpost.settledDeliveries(published.id, 60_000);
  expect(new Set(deliveries.map(({ status }) => status))).toEqual(new Set(['succeeded', 'failed']));
  const errors = await signpost.query<{ code: string }>('select distinct error_code as code from attempts order by 1');
  expect(errors.map(({ code }) => code)).toEqual(['dns_failed', 'redirect_not_followed', 'tls_failed', null]);
  const failed = deliveries.find(({ webhook_id }) => webhook_id === ids['failing']);
  ids['delivery'] = failed.id;
  await ask(202, 'POST', `/v1/deliveries/${failed.id}/retry`);
  await ask(200, 'POST', `/v1/webhooks/${ids['given']}/test`, { event_type: 'call.ended' });
  await receiver.waitForRequests(5);
  // The jobs of these wait in Redis until it is searched: nobody takes them.
  await Promise.all(signpost.dispatchers.map(dispatcher => stopAfterMetrics(dispatcher)));
  await ask(202, 'POST', '/v1/events/batch', {
    events: [event, { ...event, idempotency_key: `${canary('idempotency key')}2` }],
  });
}

async function stopAfterMetrics(dispatcher: Installation['dispatchers'][number]): Promise<void> {
  dumps.metrics += await textOf(`http://127.0.0.1:${dispatcher.internalPort}/metrics`);
  await dispatcher.stop();
}

async function driveRefusals(): Promise<void> {
  const wrong = { authorization: `Bearer sk_live_${canary('wrong key')}` };
  await ask(401, 'GET', '/v1/events', undefined, wrong);
  await ask(401, 'GET', '/v1/events', undefined, { authorization: `Basic ${canary('wrong key')}` });
  await ask(400, 'POST', '/v1/events', `{"event_type":"call.ended","data":"${canary('broken JSON')}`);
  await ask(422, 'POST', '/v1/events', {
    event_type: 'call.ended',
    data: 1,
    [canary('broken JSON')]: canary('payload'),
  });
  const { host } = new URL(receiver.url);
  const withPassword = `http://user:${canary('password in a URL')}@${host}/`;
  await ask(422, 'POST', '/v1/webhooks', { url: withPassword, events: ['*'] });
}

const textOf = async (url: string, key?: string): Promise<string> => {
  const response = await fetch(url, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text}`);
  return text;
};

async function collect(): Promise<void> {
  dumps.metrics += await textOf(`http://127.0.0.1:${signpost.api.internalPort}/metrics`);
  dumps.told = monitor.heard();
  dumps.redis = await everythingInRedis(signpost.redis.url);
  for (const page of ['/docs', '/docs/errors', '/openapi.json', '/health/ready'])
    dumps.pages += await textOf(signpost.api.url + page);
  dumps.queuePage = await everythingOnQueuePage(queuePage.url);
  dumps.logs = [signpost.api, ...signpost.dispatchers, queuePage].map(app => app.logs()).join('\n');
}

test('the search finds each of them, in each spelling', () => {
  expect(Object.keys(canaries)).toHaveLength(23);
  for (const [name, secret] of Object.entries(canaries)) {
    const spellings = [
      secret,
      Buffer.from(`${secret} and more`).toString('base64'),
      Buffer.from(secret).toString('hex'),
    ];
    for (const spelling of spellings) expect(found(`"${spelling}"`)).toContain(name);
  }
});

describe('a key in the URL opens nothing', () => {
  test.each(['key', 'api_key', 'access_token', 'authorization', 'token'])('%s', async name => {
    const answer = await fetch(`${signpost.api.url}/v1/events?${name}=${encodeURIComponent(signpost.key)}`);
    expect(answer.status).toBe(401);
    const withBearer = await fetch(`${signpost.api.url}/v1/events?${name}=Bearer%20${signpost.key}`);
    expect(withBearer.status).toBe(401);
    expect(signpost.api.logs()).not.toContain(signpost.key);
  });
});

test('the receiver got what it should: headers, token, payload, and signatures of every secret', () => {
  const at = (path: string): ReceivedRequest[] => receiver.requests.filter(request => request.path.startsWith(path));
  const [given] = at('/given');
  const [made] = at('/made');
  expect(given?.headers).toMatchObject({
    authorization: `Bearer ${canary('Authorization header')}`,
    'x-vendor-token': canary('header with a token'),
    'x-access-key': canary('header with a key'),
  });
  expect(made?.headers.authorization).toBe(canary('changed Authorization header'));
  expect(given?.path).toBe(`/given?token=${canary('token in a URL')}`);
  expect(given?.body.toString()).toContain(canary('payload'));
  const accepted = (request: ReceivedRequest | undefined, secret: string): string =>
    verify('standard', { headers: request?.headers ?? {}, body: request?.body ?? '', secret: canary(secret) }).kind;
  expect(accepted(given, 'given signing secret')).toBe('accepted');
  expect(accepted(given, 'signing secret of a rotation')).toBe('accepted');
  expect(accepted(made, 'signing secret of made')).toBe('accepted');
});

test('logs of all processes at their loudest hold none of them', () => {
  expect(dumps.logs).toContain('delivery.attempted');
  expect(dumps.logs).toContain('request.answered');
  expect(dumps.logs).toContain(ids['delivery']);
  expect(found(dumps.logs)).toEqual([]);
});

test('metrics of all processes hold none of them', () => {
  expect(dumps.metrics).toContain('signpost_attempts_total{status="failed"');
  expect(dumps.metrics).toContain('signpost_http_requests_total{operation="publishEvent",status="202"}');
  expect(found(dumps.metrics)).toEqual([]);
});

test('Redis was told none of them and holds none: jobs are ids', () => {
  expect(dumps.told).toMatch(/"deliveryId":"[0-9a-f-]{36}"/);
  expect(dumps.redis).toMatch(/"eventIds":\["[0-9a-f-]{36}"/);
  expect(found(dumps.told)).toEqual([]);
  expect(found(dumps.redis)).toEqual([]);
});

test('Postgres holds each where it belongs and nowhere else, API keys and signing secrets not at all', async () => {
  const places: Record<string, readonly string[]> = {};
  for (const name of Object.keys(canaries)) {
    const columns = await everyColumnWith(signpost, spellingsOf(canary(name)));
    if (columns.length > 0) places[name] = columns;
  }
  expect(places).toEqual(homes);
});

test('API keys are stored as their SHA-256, signing secrets sealed', async () => {
  for (const name of ['API key', 'key with the scope read']) {
    const sql = 'select 1 from api_keys where secret_hash = sha256($1::text::bytea)';
    expect([name, (await signpost.query(sql, [canary(name)])).length]).toEqual([name, 1]);
  }
  expect(await signpost.query('select sealed from webhook_secrets')).toHaveLength(6);
});

test('pages hold none of them', () => {
  expect(dumps.pages).toContain('publishEvent');
  expect(found(dumps.pages)).toEqual([]);
});

test('the queue page, with the API behind it, holds none of them', () => {
  expect(dumps.queuePage).toContain('Signpost queues');
  expect(dumps.queuePage).toMatch(/"eventIds":\["[0-9a-f-]{36}"/);
  expect(found(dumps.queuePage)).toEqual([]);
});

test('what can be read with a key holds no key, secret or value of a credential', async () => {
  const idOf: Record<string, string | undefined> = {
    '/v1/webhooks/{id}': ids['given'],
    '/v1/events/{id}': ids['event'],
    '/v1/deliveries/{id}': ids['delivery'],
    '/v1/workspaces/{id}': ids['workspace'],
    '/v1/event-types/{name}': 'call.ended',
    '/v1/contracts/{name}': 'standard',
  };
  const reads = Object.values<Operation>(operations).filter(
    ({ method, scope, path }) =>
      method === 'get' && scope !== null && path.startsWith('/v1/') && path !== '/v1/agents/{id}',
  );
  let text = '';
  for (const { path, scope } of reads) {
    const target = path.replace(/\{\w+\}/, () => idOf[path] ?? `no id for ${path}`);
    text += await textOf(
      signpost.api.url + target,
      scope === 'read' ? canary('key with the scope read') : signpost.key,
    );
  }
  expect(reads.length).toBeGreaterThan(8);
  // The read is of this installation: what may be shown is there.
  expect(found(text)).toEqual(['token in a URL', 'payload']);
  expect(text).toContain('Not valid: [hidden]');
});
