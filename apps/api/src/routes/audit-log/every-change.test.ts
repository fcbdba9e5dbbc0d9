import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import { type Receiver, waitFor } from '@signpost/testing';
import { type ApiWithDispatcher, startApiWithDispatcher } from '../../api-with-dispatcher.fixture.ts';
import type { TestAnswer, TestApi, TestCall, TestWorkspace } from '../../test-api.ts';
import { minimal } from '../contracts/contract-document.fixture.ts';

let system: ApiWithDispatcher;
let api: TestApi;
let receiver: Receiver;

beforeAll(async () => {
  system = await startApiWithDispatcher({
    dispatcherEnvironment: { AUDIT_LOG_DAYS: '7' },
    beforeDispatcher: ({ dependencies }) => dependencies.database.pool.query(oldEntries),
  });
  ({ api, receiver } = system);
});
afterAll(() => system.close());

/** An entry of 8 days ago and one of 6. */
const oldEntries = `
  insert into audit_log (id, actor_type, actor_name, action, resource_type, resource_id, changes)
  select uuidv7_of(current_timestamp - days * interval '1 day'), 'system', 'test', 'workspace.updated', 'workspace', days, '{}'
  from unnest(array[8, 6]) as days`;

const query = async (sql: string, values: unknown[] = []) =>
  (await api.dependencies.database.pool.query(sql, values)).rows;

type Call = readonly [target: string, options: TestCall];
/** Makes what the call needs, and says which call changes it. */
type Preparation = (own: TestWorkspace) => Promise<Call> | Call;

async function make(target: string, key: string, body: unknown) {
  const { status, body: made, text } = await api.call(target, { key, body });
  if (status >= 300) throw new Error(`${target} answered ${status}: ${text}`);
  return made;
}

const webhookFields = () => ({ url: receiver.url, events: ['*'] });
const makeWebhook = async ({ key }: TestWorkspace): Promise<string> =>
  (await make('POST /v1/webhooks', key, webhookFields())).id;
const makeDelivery = async (own: TestWorkspace): Promise<string> =>
  (await make(`POST /v1/webhooks/${await makeWebhook(own)}/test`, own.key, { event_type: 'call.ended' })).delivery_id;

/** Every operation that changes something, with the action of its entry. */
const changes: Record<string, readonly [action: string, prepare: Preparation]> = {
  createWebhook: ['webhook.created', ({ key }) => ['POST /v1/webhooks', { key, body: webhookFields() }]],
  updateWebhook: [
    'webhook.updated',
    async own => [`PATCH /v1/webhooks/${await makeWebhook(own)}`, { key: own.key, body: { active: false } }],
  ],
  deleteWebhook: ['webhook.deleted', async own => [`DELETE /v1/webhooks/${await makeWebhook(own)}`, { key: own.key }]],
  testWebhook: [
    'webhook.tested',
    async own => [
      `POST /v1/webhooks/${await makeWebhook(own)}/test`,
      { key: own.key, body: { event_type: 'call.ended' } },
    ],
  ],
  rotateWebhookSecret: [
    'webhook.secret_rotated',
    async own => [`POST /v1/webhooks/${await makeWebhook(own)}/rotate-secret`, { key: own.key }],
  ],
  setAgent: ['agent.created', ({ key }) => ['PUT /v1/agents/a1', { key, body: { webhook_url: receiver.url } }]],
  retryDelivery: [
    'delivery.retried',
    async own => [`POST /v1/deliveries/${await makeDelivery(own)}/retry`, { key: own.key }],
  ],
  expungeEventPayload: [
    'event.payload_expunged',
    async ({ key }) => {
      const { id } = await make('POST /v1/events', key, { event_type: 'call.ended', data: 'secret' });
      return [`DELETE /v1/events/${id}/payload`, { key }];
    },
  ],
  createEventType: ['event_type.created', ({ key }) => ['POST /v1/event-types', { key, body: { name: 'call.ended' } }]],
  updateEventType: [
    'event_type.updated',
    async ({ key }) => {
      await make('POST /v1/event-types', key, { name: 'call.ended' });
      return ['PATCH /v1/event-types/call.ended', { key, body: { description: 'A call is over.' } }];
    },
  ],
  deleteEventType: [
    'event_type.deleted',
    async ({ key }) => {
      await make('POST /v1/event-types', key, { name: 'call.ended' });
      return ['DELETE /v1/event-types/call.ended', { key }];
    },
  ],
  createContract: ['contract.created', ({ key }) => ['POST /v1/contracts', { key, body: minimal }]],
  updateContract: [
    'contract.updated',
    async ({ key }) => {
      await make('POST /v1/contracts', key, minimal);
      return ['PUT /v1/contracts/acme', { key, body: { ...minimal, title: 'Another' } }];
    },
  ],
  deleteContract: [
    'contract.deleted',
    async ({ key }) => {
      await make('POST /v1/contracts', key, minimal);
      return ['DELETE /v1/contracts/acme', { key }];
    },
  ],
  createApiKey: [
    'api_key.created',
    ({ key }) => ['POST /v1/api-keys', { key, body: { name: 'billing', scopes: ['read'] } }],
  ],
  revokeApiKey: [
    'api_key.revoked',
    async ({ key }) => {
      const { id } = await make('POST /v1/api-keys', key, { name: 'billing', scopes: ['read'] });
      return [`DELETE /v1/api-keys/${id}`, { key }];
    },
  ],
  createWorkspace: [
    'workspace.created',
    ({ id }) => ['POST /v1/workspaces', { key: api.adminKey, body: { name: `another-${id}`, contract: 'repixa' } }],
  ],
  updateWorkspace: [
    'workspace.updated',
    ({ key, publicId }) => [`PATCH /v1/workspaces/${publicId}`, { key, body: { contract: 'repixa' } }],
  ],
  deleteWorkspace: [
    'workspace.deleted',
    ({ publicId }) => [`DELETE /v1/workspaces/${publicId}`, { key: api.adminKey }],
  ],
};

/** Operations that are no change, though they are no GET either. */
const notAudited: Record<string, string> = {
  publishEvent: 'events are a log of their own',
  publishBatch: 'events are a log of their own',
  previewContract: 'stores nothing',
};

const writing = Object.values<Operation>(operations).filter(({ method }) => method !== 'get');

// First, so that nothing but calls changes the log from here on.
test('the dispatcher forgets entries that are older than AUDIT_LOG_DAYS, and no others', async () => {
  const left = await waitFor(
    async () => {
      const rows = await query("select resource_id from audit_log where resource_id in ('8', '6')");
      return rows.length < 2 ? rows : null;
    },
    { description: 'an entry is forgotten' },
  );
  expect(left).toEqual([{ resource_id: '6' }]);
});

test('every operation that is no GET has a case here: a new one leaves an entry, or a reason why not', () => {
  const listed = [...Object.keys(changes), ...Object.keys(notAudited)];
  expect(listed.toSorted()).toEqual(writing.map(({ operationId }) => operationId).toSorted());
});

/** Of every table that a call may change. */
async function readTables(): Promise<Record<string, string>> {
  const tables = await query(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' and table_name !~ '_(\\d{8}|default)$'`,
  );
  const contents: Record<string, string> = {};
  for (const { name } of tables)
    contents[name] = (
      await query(`select coalesce(string_agg(t::text, e'\\n' order by t::text), '') as text from ${name} t`)
    )[0].text;
  return contents;
}

/** The dispatcher has made every delivery and attempt that it was asked for: from here on only calls change anything. */
const settle = () =>
  waitFor(
    async () =>
      (
        await query(
          `select from deliveries where status = 'pending' or manual_retry_at is not null
           union all select from pending_fan_outs`,
        )
      ).length === 0,
    { description: 'no event waits for its fan-out, and no delivery for an attempt' },
  );

test.each(Object.keys(changes))('%s leaves exactly one entry, and changes nothing without it', async operationId => {
  const own = await api.makeWorkspace();
  const [action, prepare] = changes[operationId] as (typeof changes)[string];
  const [target, options] = await prepare(own);
  await settle();

  const before = await readTables();
  expect(Object.keys(before)).toEqual(expect.arrayContaining(['audit_log', 'webhooks', 'events', 'deliveries']));
  await query('alter table audit_log add constraint no_entry check (false) not valid');
  const failed = await api.call(target, options);
  await query('alter table audit_log drop constraint no_entry');
  expect([failed.status, failed.body?.code]).toEqual([500, 'internal']);
  expect(await readTables()).toEqual(before);

  const done = await api.call(target, options);
  expect([operationId, done.status, done.text]).toEqual([operationId, expect.any(Number), expect.any(String)]);
  expect(done.status).toBeLessThan(300);
  const known = before['audit_log']?.split('\n').length ?? 0;
  const entries = await query('select * from audit_log order by id desc');
  expect(entries).toHaveLength(known + 1);
  const isInstance = options.key === api.adminKey;
  expect(entries[0]).toMatchObject({
    action,
    resource_type: action.split('.')[0],
    workspace_id: operationId === 'createWorkspace' ? expect.stringMatching(/^[0-9a-f-]{36}$/) : own.id,
    actor_type: isInstance ? 'instance_key' : 'api_key',
    actor_name: isInstance ? 'ADMIN_API_KEY' : 'test',
    actor_id: isInstance ? null : expect.stringMatching(/^[0-9a-f-]{36}$/),
    ip: '127.0.0.1',
    request_id: done.headers['x-request-id'],
  });
  expect(Object.keys(entries[0].changes)).not.toEqual([]);
});

const countEntries = async (): Promise<number> => (await query('select count(*)::int as n from audit_log'))[0].n;

test('a retry that is asked for twice while it is open leaves one entry', async () => {
  const own = await api.makeWorkspace();
  const id = await makeDelivery(own);
  const before = await countEntries();
  let release = (): void => {};
  const held = new Promise<void>(resolve => (release = resolve));
  receiver.answerWith(async () => {
    await held;
    return { status: 200 };
  });
  const retry = (): Promise<TestAnswer> => api.call(`POST /v1/deliveries/${id}/retry`, { key: own.key });
  expect([(await retry()).status, (await retry()).status]).toEqual([202, 202]);
  expect(await countEntries()).toBe(before + 1);
  release();
  receiver.answerWith(() => ({ status: 200 }));
});

test('a webhook that its receiver calls gone leaves an entry of the dispatcher', async () => {
  const own = await api.makeWorkspace();
  const id = await makeWebhook(own);
  receiver.answerWith(() => ({ status: 410 }));
  await make('POST /v1/events', own.key, { event_type: 'call.ended', data: {} });
  const entry = await waitFor(
    async () => {
      const { body } = await api.call(`GET /v1/audit-log?resource_id=${id}`, { key: own.key });
      return body.data[0].action === 'webhook.deactivated' ? body.data[0] : null;
    },
    { description: 'the webhook is deactivated' },
  );
  receiver.answerWith(() => ({ status: 200 }));
  expect(entry).toMatchObject({
    actor: { type: 'system', id: null, name: 'dispatcher' },
    resource: { type: 'webhook', id },
    changes: { active: { before: true, after: false }, deactivated_reason: { before: null, after: 'gone' } },
    ip: null,
    user_agent: null,
    request_id: null,
    workspace_id: own.publicId,
  });
});
