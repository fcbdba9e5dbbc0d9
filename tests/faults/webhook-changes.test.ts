import { expect, test } from '@jest/globals';
import { parseId } from '@signpost/runtime';
import { waitFor } from '@signpost/testing';
import type { Installation } from '../support/installation.ts';
import { waitUntilNothingPends } from '../support/publish-many.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();

interface Published {
  readonly id: string;
  readonly type: string;
  /** When the request was begun, by the test's clock. */
  readonly startedAt: number;
}

/** Publishes events of two types without pause. */
function startPublishing(signpost: Installation) {
  const published: Published[] = [];
  let stopped = false;
  const produce = async (): Promise<void> => {
    for (let n = 0; !stopped; n += 1) {
      const type = n % 2 === 0 ? 'a.made' : 'b.made';
      const startedAt = performance.now();
      published.push({ id: await signpost.publish({ eventType: type, data: {} }), type, startedAt });
    }
  };
  const ended = Promise.all(Array.from({ length: 4 }, produce));
  return {
    published,
    async stop() {
      stopped = true;
      await ended;
    },
  };
}

/** The types of events that a webhook is to get in a phase of its life. */
interface Phase {
  readonly webhookId: string;
  readonly types: readonly string[];
  readonly events: readonly Published[];
}

test('while events are published without pause, each change of a webhook counts for every event published after its answer', async () => {
  const { signpost, receiver } = await start({ dispatchers: 2 });
  const publishing = startPublishing(signpost);
  const phases: Phase[] = [];
  /** Waits for events that began after now and have been fanned out: the phase's own. */
  const observe = async (webhookId: string, types: readonly string[]): Promise<void> => {
    const since = performance.now();
    const events = await waitFor(
      () => {
        const later = publishing.published.filter(({ startedAt }) => startedAt > since);
        return later.length >= 20 ? later : null;
      },
      { description: '20 more events are published' },
    );
    await waitFor(
      async () => {
        const waiting = await signpost.query('select from pending_fan_outs where event_id = any($1::uuid[])', [
          events.map(({ id }) => parseId('event', id)),
        ]);
        return waiting.length === 0;
      },
      { timeoutMs: 20_000, description: 'they are fanned out' },
    );
    phases.push({ webhookId, types, events });
  };
  const change = async (id: string, fields: Record<string, unknown>): Promise<void> => {
    expect((await signpost.call('PATCH', `/v1/webhooks/${id}`, fields)).status).toBe(200);
  };
  for (let round = 0; round < 5; round += 1) {
    const { id } = await signpost.createWebhook({ url: `${receiver.url}/${round}`, events: ['a.*'] });
    await observe(id, ['a.made']);
    await change(id, { events: ['b.*'] });
    await observe(id, ['b.made']);
    await change(id, { active: false });
    await observe(id, []);
    await change(id, { active: true, events: ['*'] });
    await observe(id, ['a.made', 'b.made']);
    expect((await signpost.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    await observe(id, []);
  }
  await publishing.stop();
  await waitUntilNothingPends(signpost, 20_000);
  const rows = await signpost.query<{ pair: string }>(`select webhook_id || ' ' || event_id as pair from deliveries`);
  const deliveries = new Set(rows.map(({ pair }) => pair));
  expect(deliveries.size).toBe(rows.length);
  expect(phases).toHaveLength(25);
  for (const { webhookId, types, events } of phases) {
    const wanted = events.filter(({ type }) => types.includes(type));
    const made = events.filter(({ id }) => deliveries.has(`${parseId('webhook', webhookId)} ${parseId('event', id)}`));
    expect(made).toEqual(wanted);
  }
  // Nothing went out twice, and to each webhook only what it had a delivery for.
  expect(receiver.requests.length).toBeLessThanOrEqual(rows.length);
}, 60_000);

test('a webhook gets no event that was accepted before it was made, however late that is fanned out', async () => {
  const { signpost, receiver } = await start({ dispatchers: 0 });
  await signpost.createWebhook({ url: `${receiver.url}/early` });
  const before = await signpost.publish({ eventType: 'a.made', data: {} });
  await signpost.createWebhook({ url: `${receiver.url}/late` });
  const after = await signpost.publish({ eventType: 'a.made', data: {} });
  await signpost.addDispatcher();
  for (const id of [before, after]) await signpost.settledDeliveries(id);
  const arrived = receiver.requests.map(({ path, headers }) => `${path} ${String(headers['webhook-id'])}`);
  expect(arrived.toSorted()).toEqual([`/early ${before}`, `/early ${after}`, `/late ${after}`].toSorted());
}, 60_000);
