import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { applyMigrations } from '@signpost/stores';
import { startTestPostgres, waitFor } from '@signpost/testing';
import type { Answer, Installation } from '../support/installation.ts';
import { publishMany } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();

async function repeatTwice(signpost: Installation, key: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let n = 0; n < 2; n += 1)
    answers.push(
      await signpost.call('POST', '/v1/events', { event_type: 'call.ended', data: {} }, { 'idempotency-key': key }),
    );
  return answers;
}

describe('Postgres', () => {
  test('stopped while events are published: 503 with Retry-After, then all goes on; what was accepted is delivered', async () => {
    // What is acknowledged is with the operating system at least: it survives the death of the server.
    const postgres = await startTestPostgres({ settings: { synchronous_commit: 'on' } });
    await applyMigrations(postgres.url, path.resolve('prisma/migrations'));
    const { signpost, receiver } = await start({ databaseUrl: postgres.url });
    try {
      await signpost.createWebhook({ url: receiver.url });
      const before = await publishMany(signpost, 300);
      await postgres.kill();
      let tries = 0;
      // A session that outlives the server by a moment may still commit: what it accepted counts as accepted.
      const refused = await waitFor(
        async () => {
          const event = { event_type: 'call.ended', data: {} };
          const answer = await signpost.call('POST', '/v1/events', event, { 'idempotency-key': `last-${tries}` });
          if (answer.status === 202) {
            before.push(answer.body.id);
            tries += 1;
          }
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
      // Nothing was half accepted: the key of the refused publish is free, and then taken.
      const [first, second] = await repeatTwice(signpost, `last-${tries}`);
      expect([first?.status, second?.status, second?.body.id]).toEqual([202, 200, first?.body.id]);
      const after = await publishMany(signpost, 20);
      await expectNothingLost(signpost, receiver, [...before, first?.body.id, ...after]);
    } finally {
      await signpost.api.stop();
      await Promise.all(signpost.dispatchers.map(dispatcher => dispatcher.stop()));
      await postgres.remove();
    }
  }, 120_000);

  test('away while 100 attempts are under way: their outcomes wait for it; no request is repeated, no number skipped', async () => {
    const postgres = await startTestPostgres({ settings: { synchronous_commit: 'on' } });
    await applyMigrations(postgres.url, path.resolve('prisma/migrations'));
    const { signpost, receiver } = await start({ databaseUrl: postgres.url });
    try {
      let release = (): void => {};
      const held = new Promise<void>(resolve => {
        release = resolve;
      });
      // The first attempt of each is held and fails, the second succeeds.
      receiver.answerWith((_request, index) => (index < 100 ? { delay: held, status: 503 } : {}));
      await signpost.createWebhook({ url: receiver.url, retry_schedule: [1, 1, 1], timeout_ms: 30_000 });
      const published = await publishMany(signpost, 100);
      await receiver.waitForRequests(100, 20_000);
      await postgres.kill();
      release();
      const [dispatcher] = signpost.dispatchers;
      await waitFor(() => dispatcher?.logs().includes('outcomes wait for Postgres'), {
        timeoutMs: 20_000,
        description: 'outcomes wait',
      });
      await postgres.start();
      await expectNothingLost(signpost, receiver, published);
      expect(receiver.requests).toHaveLength(200);
      expect(
        await signpost.query(
          `select numbers, count(*)::int as deliveries from (
             select array_agg(number || ' ' || status order by number) as numbers from attempts group by delivery_id
           ) as each group by numbers`,
        ),
      ).toEqual([{ numbers: ['1 failed', '2 succeeded'], deliveries: 100 }]);
    } finally {
      await signpost.api.stop();
      await Promise.all(signpost.dispatchers.map(dispatcher => dispatcher.stop()));
      await postgres.remove();
    }
  }, 120_000);
});
