import { chownSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { applyMigrations } from '@signpost/stores';
import { startReceiver, startTestPostgres, waitFor } from '@signpost/testing';
import { startInstallation } from '../support/installation.ts';
import { publishMany, waitUntilReceived } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { readReadiness, waitForReadiness } from './readiness.ts';

/**
 * Puts /dev/full, which refuses every write with ENOSPC as a full disk does, in the place of files of empty tables; the
 * server must be stopped. @returns puts empty files there again
 */
function fillDisk(files: readonly string[]): () => void {
  for (const file of files) {
    expect(statSync(file).size).toBe(0);
    rmSync(file);
    symlinkSync('/dev/full', file);
  }
  return () => {
    for (const file of files) {
      const { uid, gid } = statSync(path.dirname(file));
      writeFileSync(`${file}.new`, '', { mode: 0o600 });
      chownSync(`${file}.new`, uid, gid);
      renameSync(`${file}.new`, file);
    }
  };
}

// Other systems have no /dev/full.
const testWithFullDevice = process.platform === 'linux' ? test : test.skip;

testWithFullDevice(
  'Postgres with a full disk: nobody is ready, publishes get 503, outcomes wait; with room again nothing is lost and nothing was sent twice',
  async () => {
    const postgres = await startTestPostgres({ settings: { synchronous_commit: 'on' } });
    await applyMigrations(postgres.url, path.resolve('prisma/migrations'));
    const receiver = await startReceiver();
    const signpost = await startInstallation({
      databaseUrl: postgres.url,
      environment: { INTERNAL_PORT: '0' },
    });
    const publish = () =>
      signpost.call('POST', '/v1/events', { event_type: 'call.ended', data: {} }, { 'idempotency-key': 'no-room' });
    const probed = [signpost.api.url, `http://127.0.0.1:${signpost.dispatchers[0]?.internalPort}`];
    try {
      let release = (): void => {};
      const held = new Promise<void>(resolve => {
        release = resolve;
      });
      receiver.answerWith(() => ({ delay: held }));
      await signpost.createWebhook({ url: receiver.url, timeout_ms: 30_000 });
      const published = await publishMany(signpost, 50);
      await receiver.waitForRequests(50, 20_000);
      await waitFor(async () => (await signpost.query('select from pending_fan_outs')).length === 0, {
        description: 'the outbox is empty',
      });
      await signpost.query('truncate pending_fan_outs, write_probes');
      const rows = await signpost.query<{ file: string }>(
        `select current_setting('data_directory') || '/' || pg_relation_filepath(relid) as file
         from (select 'pending_fan_outs'::regclass as relid
               union all select 'write_probes'::regclass
               union all select relid from pg_partition_tree('attempts') where isleaf) as tables`,
      );
      await postgres.stop();
      const makeRoom = fillDisk(rows.map(({ file }) => file));
      await postgres.start();
      const canBeRead = async (): Promise<boolean> => (await signpost.call('GET', '/v1/webhooks')).status === 200;
      await waitFor(canBeRead, { timeoutMs: 20_000, description: 'Postgres is back, with a full disk' });

      for (const url of probed)
        expect(await readReadiness(url)).toEqual({ status: 503, postgres: 'down', redis: 'up' });
      const refused = await publish();
      expect([refused.status, refused.body.code]).toEqual([503, 'store_unavailable']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      release();
      await waitFor(() => /outcomes wait for Postgres/.test(signpost.dispatchers[0]?.logs() ?? ''), {
        timeoutMs: 20_000,
        description: 'outcomes wait',
      });
      // What can be read is shown.
      expect((await signpost.call('GET', `/v1/events/${published[0]}`)).body.deliveries[0].status).toBe('pending');

      await postgres.stop();
      makeRoom();
      await postgres.start();
      for (const url of probed) await waitForReadiness(url, { status: 200, postgres: 'up', redis: 'up' });
      const after = await publish();
      expect(after.status).toBe(202);
      await waitUntilReceived(receiver, [after.body.id], 20_000);
      await expectNothingLost(signpost, receiver, [...published, after.body.id]);
      expect(receiver.requests).toHaveLength(51);
    } finally {
      await Promise.all([signpost.api, ...signpost.dispatchers].map(app => app.stop()));
      await Promise.all([receiver.close(), signpost.close()]);
      await postgres.remove();
    }
  },
  90_000,
);
