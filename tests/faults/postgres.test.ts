import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { applyMigrations } from '@signpost/stores';
import { type Receiver, startReceiver, startTestPostgres, waitFor } from '@signpost/testing';
import { type Installation, type InstallationOptions, startInstallation } from '../support/installation.ts';
import { publishMany } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';

let signpost: Installation;
let receiver: Receiver;
const start = async (options: InstallationOptions = {}): Promise<void> => {
  receiver = await startReceiver();
  signpost = await startInstallation(options);
};
afterEach(async () => {
  await receiver.close();
  await signpost.close();
}, 60_000);

describe('Postgres', () => {
  test('stopped while events are published: 503 with Retry-After, then all goes on; what was accepted is delivered', async () => {
    // What is acknowledged is with the operating system at least: it survives the death of the server.
    const postgres = await startTestPostgres({ settings: { synchronous_commit: 'on' } });
    await applyMigrations(postgres.url, path.resolve('prisma/migrations'));
    await start({ databaseUrl: postgres.url });
    try {
      await signpost.createWebhook({ url: receiver.url });
      const before = await publishMany(signpost, 300);
      await postgres.kill();
      // A session that outlives the server by a moment may still commit: what it accepted counts as accepted.
      const refused = await waitFor(
        async () => {
          const answer = await signpost.call('POST', '/v1/events', { event_type: 'call.ended', data: {} });
          if (answer.status === 202) before.push(answer.body.id);
          return answer.status === 202 ? null : answer;
        },
        { description: 'publishing is refused' },
      );
      expect(refused).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await signpost.call('GET', '/health/ready')).status).toBe(503);
      expect((await signpost.call('GET', '/health/live')).status).toBe(200);
      await postgres.start();
      await waitFor(async () => (await signpost.call('GET', '/health/ready')).status === 200, {
        timeoutMs: 20_000,
        description: 'the API is ready again',
      });
      const after = await publishMany(signpost, 20);
      await expectNothingLost(signpost, receiver, [...before, ...after]);
    } finally {
      await signpost.api.stop();
      await Promise.all(signpost.dispatchers.map(dispatcher => dispatcher.stop()));
      await postgres.remove();
    }
  }, 120_000);
});
