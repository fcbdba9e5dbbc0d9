import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Receiver, startReceiver } from '@signpost/testing';
import { type Answer, type AnyJson, type Installation, startInstallation } from './support/installation.ts';

let signpost: Installation;
let receiver: Receiver;
/** Ids of the workspace `default`, by the kind that stands before `_`. */
const theirs: Record<string, string> = {};
let strangerKey: string;
let document: { paths: Record<string, Record<string, AnyJson>> };

const contract = {
  name: 'their-contract',
  title: 'Of their own',
  envelope: { shape: 'data' },
  signature: {
    algorithm: 'hmac-sha256',
    content: '{body}',
    encoding: 'hex',
    format: '{signature}',
    separator: null,
    headers: [{ name: 'X-Signature', value: '{signatures}' }],
  },
};

beforeAll(async () => {
  signpost = await startInstallation();
  receiver = await startReceiver();
  document = (await signpost.call('GET', '/openapi.json')).body;
  const webhook = await signpost.createWebhook({ url: receiver.url });
  theirs['wh'] = webhook.id;
  theirs['evt'] = await signpost.publish({ eventType: 'call.ended', data: { theirs: true } });
  const [delivery] = await signpost.settledDeliveries(theirs['evt']);
  theirs['del'] = delivery.id;
  await signpost.call('POST', '/v1/event-types', { name: 'call.ended' });
  theirs['event-types'] = 'call.ended';
  theirs['contracts'] = (await signpost.call('POST', '/v1/contracts', contract)).body.name;
  theirs['agent'] = 'agent_of_theirs';
  await signpost.call('PUT', '/v1/agents/agent_of_theirs', { webhook_url: receiver.url });
  theirs['key'] = (await signpost.call('POST', '/v1/api-keys', { name: 'another', scopes: ['read'] })).body.id;
  const admin = { authorization: `Bearer ${signpost.environment['ADMIN_API_KEY']}` };
  theirs['ws'] = (await signpost.call('GET', '/v1/workspaces', undefined, admin)).body.data[0].id;
  const stranger = (await signpost.call('POST', '/v1/workspaces', { name: 'stranger' }, admin)).body;
  strangerKey = (
    await signpost.call(
      'POST',
      '/v1/api-keys',
      { name: 'stranger', scopes: ['admin', 'publish', 'read'] },
      { ...admin, 'x-workspace-id': stranger.id },
    )
  ).body.secret;
}, 60_000);
afterAll(async () => {
  await signpost.close();
  await receiver.close();
});

const asStranger = (method: string, path: string, body?: unknown): Promise<Answer> =>
  signpost.call(method, path, body, { authorization: `Bearer ${strangerKey}` });

/** A body that would be valid if the thing were the caller's own. */
const validBodies: Record<string, unknown> = {
  'PATCH /v1/webhooks/{id}': { description: 'mine now' },
  'POST /v1/webhooks/{id}/test': { event_type: 'call.ended' },
  'POST /v1/webhooks/{id}/rotate-secret': {},
  'PATCH /v1/event-types/{name}': { description: 'mine now' },
  'PUT /v1/contracts/{name}': contract,
  'PATCH /v1/workspaces/{id}': { contract: 'repixa' },
};

describe('what belongs to another workspace', () => {
  test('answers 404 on every route that names a thing, exactly as if it did not exist', async () => {
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      path.includes('{') && path.startsWith('/v1/')
        ? Object.keys(methods).map(method => ({ path, method: method.toUpperCase() }))
        : [],
    );
    expect(routes.length).toBeGreaterThanOrEqual(14);
    for (const { path, method } of routes) {
      const [, collection] = path.split('/').slice(1);
      // Whoever sets an agent's URL makes an agent of their own; see the test below.
      if (`${method} ${path}` === 'PUT /v1/agents/{id}') continue;
      const prefix = {
        agents: 'agent',
        webhooks: 'wh',
        events: 'evt',
        deliveries: 'del',
        'api-keys': 'key',
        workspaces: 'ws',
      }[collection ?? ''];
      const [existing, missing] =
        prefix === undefined
          ? [theirs[collection ?? ''] as string, 'never']
          : [theirs[prefix] as string, `${prefix}_01jd3kq8e5f1x9a7m2c4v6b8n0`];
      const body = validBodies[`${method} ${path}`];
      const answers = [];
      for (const id of [existing, missing]) answers.push(await asStranger(method, path.replace(/\{\w+\}/, id), body));
      const [ofTheirs, ofNothing] = answers as [Answer, Answer];
      const forbidden = path.startsWith('/v1/workspaces') && method !== 'GET' ? [404, 403] : [404];
      expect({ route: `${method} ${path}`, status: ofTheirs.status }).toEqual({
        route: `${method} ${path}`,
        status: expect.any(Number),
      });
      expect(forbidden).toContain(ofTheirs.status);
      const { request_id: _one, ...problem } = ofTheirs.body;
      const { request_id: _two, ...same } = ofNothing.body;
      expect({ route: `${method} ${path}`, ...problem }).toEqual({ route: `${method} ${path}`, ...same });
    }
    // And nothing was changed by trying.
    expect((await signpost.call('GET', `/v1/webhooks/${theirs['wh']}`)).body.description).toBeNull();
  });

  test('an agent of the same id is another one: its URL can neither be seen, nor changed, nor removed', async () => {
    const agent = `/v1/agents/${theirs['agent']}`;
    const before = await signpost.call('GET', agent);
    const made = await asStranger('PUT', agent, { webhook_url: `${receiver.url}/strangers` });
    expect([made.status, made.body.webhook_url]).toEqual([201, `${receiver.url}/strangers`]);
    expect(made.body.webhook_id).not.toBe(before.body.webhook_id);
    expect((await asStranger('PUT', agent, { webhook_url: null })).body.webhook_id).toBeNull();
    const after = await signpost.call('GET', agent);
    expect([after.status, after.body]).toEqual([200, before.body]);
    expect(before.body.webhook_url).toBe(`${receiver.url}/`);
  });

  test.each(['webhooks', 'events', 'deliveries', 'event-types'])('is not in the list of %s', async collection => {
    expect((await asStranger('GET', `/v1/${collection}`)).body.data).toEqual([]);
    expect((await signpost.call('GET', `/v1/${collection}`)).body.data).not.toEqual([]);
  });

  test('cannot be reached through filters or by naming the workspace', async () => {
    for (const filter of [`webhook_id=${theirs['wh']}`, `event_id=${theirs['evt']}`])
      expect((await asStranger('GET', `/v1/deliveries?${filter}`)).body.data).toEqual([]);
    const named = await signpost.call('GET', '/v1/webhooks', undefined, {
      authorization: `Bearer ${strangerKey}`,
      'x-workspace-id': theirs['ws'] as string,
    });
    expect(named.status).toBe(404);
  });

  test('an idempotency key is not shared', async () => {
    const body = { event_type: 'call.ended', data: { n: 1 }, idempotency_key: 'shared' };
    const [mine, strangers] = [
      await signpost.call('POST', '/v1/events', body),
      await asStranger('POST', '/v1/events', body),
    ];
    expect([mine.status, strangers.status]).toEqual([202, 202]);
    expect(mine.body.id).not.toBe(strangers.body.id);
  });
});
