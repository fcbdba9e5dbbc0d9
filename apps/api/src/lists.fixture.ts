import { insertDeliveries } from '@signpost/database';
import { deriveUuid, formatId, type IdKind, makeUuid, parseId, systemClock } from '@signpost/runtime';
import { minimal } from './routes/contracts/contract-document.fixture.ts';
import type { TestAnswer, TestApi } from './test-api.ts';

/** A list of the API, in a workspace of its own, and how it grows and shrinks. */
export interface ListFixture {
  /** Reads a page. */
  get(query: string): Promise<TestAnswer>;
  /** Makes a row. One of a higher n comes earlier in the list. */
  add(n: number): Promise<unknown>;
  /** Takes away the row that an answer showed. */
  remove(row: TestAnswer['body']): Promise<unknown>;
  /** Values under which a filter finds the rows of an even n and no others; null: made by the test. */
  readonly filters: Readonly<Record<string, string | null>>;
}

type OpenList = (api: TestApi) => Promise<ListFixture>;

async function call(api: TestApi, target: string, key: string, body?: unknown): Promise<TestAnswer> {
  const answer = await api.call(target, body === undefined ? { key } : { key, body });
  if (answer.status > 299) throw new Error(`${target} answered ${answer.status}: ${answer.text}`);
  return answer;
}

const reader =
  (api: TestApi, path: string, key: string): ListFixture['get'] =>
  query =>
    api.call(`GET ${path}?${query}`, { key });

/** As retention does it, for what no call deletes. */
const removeFrom = (api: TestApi, table: string, kind: IdKind) => (row: TestAnswer['body']) =>
  api.dependencies.database.pool.query(`delete from ${table} where id = $1`, [parseId(kind, row.id)]);

const removeBy = (api: TestApi, path: string, key: string) => (row: TestAnswer['body']) =>
  call(api, `DELETE ${path}/${row.id ?? row.name}`, key);

const isEven = (n: number): boolean => n % 2 === 0;
const descending = (n: number): string => String(999 - n);

const events: OpenList = async api => {
  const { key } = await api.makeWorkspace();
  return {
    get: reader(api, '/v1/events', key),
    add: n =>
      call(api, 'POST /v1/events', key, {
        event_type: isEven(n) ? 'even' : 'odd',
        subject: isEven(n) ? 'two' : 'one',
        data: n,
      }),
    remove: removeFrom(api, 'events', 'event'),
    filters: { event_type: 'even', subject: 'two', since: null, until: null },
  };
};

const deliveries: OpenList = async api => {
  const { id: workspaceId, key } = await api.makeWorkspace();
  const { database } = api.dependencies;
  const newId = (): string => makeUuid(systemClock.nowMs());
  const [ofEven, ofOdd, event] = [newId(), newId(), newId()];
  const add = async (n: number, eventId = newId(), to = isEven(n) ? ofEven : ofOdd): Promise<void> => {
    const id = deriveUuid(eventId, to);
    const delivery = { id, workspaceId, eventId, webhookId: to, eventType: isEven(n) ? 'even' : 'odd' };
    // Only an event that waits for its fan-out gets deliveries.
    await database.pool.query('insert into pending_fan_outs (event_id) values ($1) on conflict do nothing', [eventId]);
    await insertDeliveries(database, [{ ...delivery, contract: 'standard', contractVersion: 0 }]);
    if (isEven(n))
      await database.pool.query(`update deliveries set status = 'failed', last_response_code = 503 where id = $1`, [
        id,
      ]);
  };
  // An event that many webhooks matched: its deliveries share a millisecond.
  for (let n = 0; n < 5; n += 1) await add(1, event, newId());
  return {
    get: reader(api, '/v1/deliveries', key),
    add,
    remove: removeFrom(api, 'deliveries', 'delivery'),
    filters: {
      webhook_id: formatId('webhook', ofEven),
      event_id: formatId('event', event),
      event_type: 'even',
      status: 'failed',
      response_code: '503',
      since: null,
      until: null,
    },
  };
};

const webhooks: OpenList = async api => {
  const { key } = await api.makeWorkspace();
  return {
    get: reader(api, '/v1/webhooks', key),
    add: n =>
      call(api, 'POST /v1/webhooks', key, {
        url: 'https://example.com/',
        events: isEven(n) ? ['even.*'] : ['odd'],
        subject: isEven(n) ? 'two' : 'one',
        active: isEven(n),
      }),
    remove: removeBy(api, '/v1/webhooks', key),
    filters: { active: 'true', event_type: 'even.a', subject: 'two' },
  };
};

const auditLog: OpenList = async api => {
  const { id, key } = await api.makeWorkspace();
  await call(api, 'POST /v1/event-types', key, { name: 'changed' });
  const other = await api.makeKey(id, ['admin']);
  await call(api, 'PATCH /v1/event-types/changed', other, { description: 'first' });
  const actorId = (await call(api, 'GET /v1/audit-log?limit=1', key)).body.data[0].actor.id;
  return {
    get: reader(api, '/v1/audit-log', key),
    add: n =>
      isEven(n)
        ? call(api, 'PATCH /v1/event-types/changed', other, { description: `${n}` })
        : call(api, 'POST /v1/api-keys', key, { name: 'odd', scopes: ['read'] }),
    remove: removeFrom(api, 'audit_log', 'auditEntry'),
    filters: {
      action: 'event_type.updated',
      actor_id: actorId,
      resource_type: 'event_type',
      resource_id: 'changed',
      since: null,
      until: null,
    },
  };
};

/** Things with a name, made and deleted by calls. */
const named =
  (path: string, nameOf: (n: number) => string, fields: object = {}): OpenList =>
  async api => {
    const { key } = await api.makeWorkspace();
    return {
      get: reader(api, path, key),
      add: n => call(api, `POST ${path}`, key, { ...fields, name: nameOf(n) }),
      remove: removeBy(api, path, key),
      filters: {},
    };
  };

const apiKeys: OpenList = async api => {
  const { key, publicId } = await api.makeWorkspace();
  return {
    // Not with the workspace's own key, which is a row that may be taken away.
    get: query => api.call(`GET /v1/api-keys?${query}`, { key: api.adminKey, headers: { 'x-workspace-id': publicId } }),
    add: n => call(api, 'POST /v1/api-keys', key, { name: `${n}`, scopes: ['read'] }),
    remove: removeFrom(api, 'api_keys', 'apiKey'),
    filters: {},
  };
};

/** All of the installation, those of other tests among them. */
const workspaces: OpenList = async api => ({
  get: reader(api, '/v1/workspaces', api.adminKey),
  add: () => api.makeWorkspace(),
  remove: removeBy(api, '/v1/workspaces', api.adminKey),
  filters: {},
});

/** By the path of the list. */
export const openLists: Readonly<Record<string, OpenList>> = {
  '/v1/events': events,
  '/v1/deliveries': deliveries,
  '/v1/webhooks': webhooks,
  '/v1/audit-log': auditLog,
  '/v1/api-keys': apiKeys,
  '/v1/workspaces': workspaces,
  '/v1/event-types': named('/v1/event-types', n => `type.${descending(n)}`),
  // Before, between and behind those that come with Signpost.
  '/v1/contracts': named('/v1/contracts', n => `${n < 2 ? 'z' : n < 5 ? 'm' : 'a'}-${descending(n)}`, minimal),
};
