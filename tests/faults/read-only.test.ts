import { expect, test } from '@jest/globals';
import pg from 'pg';
import { publishMany } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { waitForReadiness } from './readiness.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();

test('a Postgres that takes reads alone, as after a failover: not ready at API and dispatcher, 503 for publishes, then all goes on', async () => {
  const { signpost, receiver } = await start({ environment: { INTERNAL_PORT: '0' } });
  await signpost.createWebhook({ url: receiver.url });
  const before = await publishMany(signpost, 20);
  const [dispatcher] = signpost.dispatchers;
  const probed = [signpost.api.url, `http://127.0.0.1:${dispatcher?.internalPort}`];
  for (const url of probed) await waitForReadiness(url, { status: 200, postgres: 'up', redis: 'up' });
  await expectNothingLost(signpost, receiver, before);

  const administrator = new pg.Client({
    connectionString: signpost.databaseUrl,
    options: '-c default_transaction_read_only=off',
  });
  await administrator.connect();
  const setReadOnly = async (state: 'on' | 'off'): Promise<void> => {
    const name = new URL(signpost.databaseUrl).pathname.slice(1);
    await administrator.query(`alter database ${name} set default_transaction_read_only = ${state}`);
    // It holds for new sessions.
    await administrator.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name like 'signpost%'`,
    );
  };
  await setReadOnly('on');
  for (const url of probed) await waitForReadiness(url, { status: 503, postgres: 'down', redis: 'up' });
  const event = { event_type: 'call.ended', data: {} };
  const refused = await signpost.call('POST', '/v1/events', event, { 'idempotency-key': 'read only' });
  expect([refused.status, refused.body.code]).toEqual([503, 'store_unavailable']);
  expect((await signpost.call('GET', `/v1/events/${before[0]}`)).status).toBe(200);

  await setReadOnly('off');
  for (const url of probed) await waitForReadiness(url, { status: 200, postgres: 'up', redis: 'up' });
  const after = await signpost.call('POST', '/v1/events', event, { 'idempotency-key': 'read only' });
  expect(after.status).toBe(202);
  await expectNothingLost(signpost, receiver, [...before, after.body.id]);
  await administrator.end();
}, 60_000);
