import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { applyMigrations } from '@signpost/stores';
import { type Receiver, startTestPostgres, type TestPostgres, waitFor } from '@signpost/testing';
import pg from 'pg';
import type { Answer, Installation } from '../support/installation.ts';
import { publishMany, waitUntilNothingPends } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { useInstallation } from './use-installation.ts';

/** Ends every answer of Postgres to a statement outside a transaction: what it did is committed by then. */
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

const start = useInstallation();
let postgres: TestPostgres;
let databaseUrl: string;
let proxy: TcpProxy;
let signpost: Installation;
let receiver: Receiver;

beforeAll(async () => {
  // What is acknowledged is with the operating system at least: it survives the death of the server.
  postgres = await startTestPostgres({ settings: { synchronous_commit: 'on', max_connections: '40' } });
  await applyMigrations(postgres.url, path.resolve('prisma/migrations'));
}, 60_000);
beforeEach(async () => {
  const database = `test_${Math.random().toString(36).slice(2)}`;
  await administrate(`create database ${database} template signpost`);
  proxy = await startTcpProxy(postgres.port);
  databaseUrl = withDatabase(postgres.port, database);
  const environment = { DATABASE_URL: withDatabase(proxy.port, database) };
  ({ signpost, receiver } = await start({ databaseUrl, environment }));
}, 60_000);
afterEach(() => proxy.close());
afterAll(() => postgres.remove());

function withDatabase(port: number, name: string): string {
  const url = new URL(postgres.url);
  url.port = String(port);
  url.pathname = `/${name}`;
  return url.href;
}

async function connectAs(name: string, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: name });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function administrate(sql: string): Promise<void> {
  const client = await connectAs('administrator', withDatabase(postgres.port, 'postgres'));
  await client.query(sql);
  await client.end();
}

const publishWithKey = (key: string): Promise<Answer> =>
  signpost.call('POST', '/v1/events', { event_type: 'call.ended', data: { key } }, { 'idempotency-key': key });

/** Loses the answer to the next commit of events and calls `then`, before anybody else hears of the commit. */
function loseAnswerOfNextCommit(then: () => void): void {
  const publishing = new Set<object>();
  proxy.watch(({ connection, from, bytes }) => {
    if (from === 'client' && bytes.includes('insert-events')) publishing.add(connection);
    if (from === 'client' || !publishing.has(connection) || !bytes.subarray(-6).equals(readyForQuery)) return 'pass';
    proxy.watch(null);
    then();
    return 'drop';
  });
}

/** Publishes as a producer should: the same key again while the answer is 503. @returns the event's id */
async function publishUntilTaken(key: string): Promise<string> {
  const taken = await waitFor(
    async () => {
      const answer = await publishWithKey(key);
      return answer.status === 503 ? null : answer;
    },
    { timeoutMs: 20_000, intervalMs: 50, description: `${key} is taken` },
  );
  return taken.body.id;
}

describe('a commit whose answer is lost', () => {
  test.each([
    { fault: 'the connection is cut', strike: async () => proxy.cutAll(), mend: async () => {} },
    { fault: 'Postgres dies', strike: () => postgres.kill(), mend: () => postgres.start() },
  ])(
    'because $fault: 503, and a repeat with the same idempotency key finds the event',
    async ({ strike, mend }) => {
      await signpost.createWebhook({ url: receiver.url });
      let struck: Promise<void> | undefined;
      loseAnswerOfNextCommit(() => {
        struck = strike();
      });
      const lost = await publishWithKey('order-1');
      expect([lost.status, lost.body.code]).toEqual([503, 'store_unavailable']);
      expect(Number(lost.headers.get('retry-after'))).toBeGreaterThan(0);
      await struck;
      await mend();
      const repeated = await waitFor(
        async () => {
          const answer = await publishWithKey('order-1');
          return answer.status === 503 ? null : answer;
        },
        { timeoutMs: 20_000, description: 'the repeat is answered' },
      );
      // 200 and not 202: it had been stored, though nobody was told.
      expect([repeated.status, repeated.body.duplicate]).toEqual([200, true]);
      await expectNothingLost(signpost, receiver, [repeated.body.id]);
      expect(receiver.requests).toHaveLength(1);
    },
    60_000,
  );
});

describe('connections', () => {
  test('all ended by the server, again and again while events are published: none is lost, no process ends', async () => {
    await signpost.createWebhook({ url: receiver.url });
    const administrator = await connectAs('administrator', databaseUrl);
    const published: Promise<string>[] = [];
    let ended = 0;
    for (let round = 0; round < 10; round += 1) {
      for (let n = 0; n < 20; n += 1) published.push(publishUntilTaken(`${round}.${n}`));
      await Promise.race(published.slice(-20));
      const { rows } = await administrator.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'signpost%'`,
      );
      ended += rows.length;
    }
    await administrator.end();
    expect(ended).toBeGreaterThan(10);
    const ids = await Promise.all(published);
    expect(new Set(ids).size).toBe(200);
    for (const app of [signpost.api, ...signpost.dispatchers]) expect(app.logs()).not.toMatch(/"level":"fatal"/);
    await expectNothingLost(signpost, receiver, ids);
    for (const app of [signpost.api, ...signpost.dispatchers]) expect(await app.stop()).toBe(0);
  }, 60_000);

  test('all taken by others: 503 with Retry-After, and all goes on without a restart once some are free', async () => {
    await signpost.createWebhook({ url: receiver.url });
    const before = await publishMany(signpost, 50);
    const others: pg.Client[] = [];
    const takeAll = async (): Promise<void> => {
      for (;;) {
        const taken = await connectAs('another', databaseUrl).catch((error: { code?: string }) => error);
        if (!(taken instanceof pg.Client)) return expect(taken.code).toBe('53300');
        others.push(taken);
      }
    };
    await waitFor(
      async () => {
        await takeAll();
        const { rows } = await (others[0] as pg.Client).query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'signpost%'`,
        );
        return rows.length === 0;
      },
      { description: 'Signpost has no connection left' },
    );
    const refused = await publishWithKey('refused');
    expect([refused.status, refused.body.code]).toEqual([503, 'store_unavailable']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await signpost.call('GET', '/v1/webhooks')).status).toBe(503);
    expect((await signpost.call('GET', '/health/ready')).status).toBe(503);
    await Promise.all(others.map(client => client.end()));
    const after = await publishUntilTaken('refused');
    await expectNothingLost(signpost, receiver, [...before, after]);
  }, 60_000);

  test('of management all busy: its calls get 503 within seconds, publishing and delivering go on', async () => {
    await signpost.createWebhook({ url: receiver.url });
    const [first] = await publishMany(signpost, 1);
    await waitUntilNothingPends(signpost, 10_000);
    const locker = await connectAs('locker', databaseUrl);
    await locker.query('begin; lock table webhooks in share mode');
    const waiting = Array.from({ length: 8 }, (_, n) =>
      signpost.call('POST', '/v1/webhooks', { url: `${receiver.url}/${n}`, events: ['never'] }),
    );
    await waitFor(async () => (await locker.query('select from pg_locks where not granted')).rows.length === 8, {
      description: 'all connections of management wait',
    });
    const [refused, published] = await Promise.all([signpost.call('GET', '/v1/webhooks'), publishMany(signpost, 100)]);
    expect([refused.status, refused.body.code]).toEqual([503, 'store_unavailable']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    await expectNothingLost(signpost, receiver, [first as string, ...published]);
    await locker.query('commit');
    expect((await Promise.all(waiting)).map(answer => answer.status)).toEqual(Array(8).fill(201));
    expect((await signpost.call('GET', '/v1/webhooks')).status).toBe(200);
    await locker.end();
  }, 60_000);
});
