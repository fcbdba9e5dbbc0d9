// The long loads of `npm run bench`, small: what must hold at any size is checked, and nothing that depends on the machine.
import { afterEach, expect, test } from '@jest/globals';
import { measureAfterDowntime } from '../bench/after-downtime.ts';
import { waitFor } from '@signpost/testing';
import { judgeFlatness } from '../bench/flatness.ts';
import { openGauges, type Reading } from '../bench/readings.ts';
import { measureRetryBurst } from '../bench/retry-burst.ts';
import { measureSoak } from '../bench/soak.ts';
import { createStops, startSystem } from '../bench/system.ts';

const stops = createStops();
afterEach(() => stops.all(), 60_000);

const concurrency = 24;
/** 0.7 were seen: the contents of the events between. */
const maxHeapGrowthMiB = 3;
const system = () =>
  startSystem({ profile: undefined, profileDir: '', inspect: true, dispatchers: 2, concurrency }, stops);

test('under a steady load nothing is lost, connections stay within what the pools are limited to, and nothing is kept of what is done', async () => {
  const shape = {
    deliveries: 4000,
    webhooks: 20,
    warmUpEvents: 200,
    sliceEvents: 20,
    inFlight: 16,
    sampleMs: 50,
    restMs: 0,
  };
  // It throws when what arrived or what is recorded is not what was published.
  const started = await system();
  const soak = await measureSoak(started, shape, stops, () => undefined);
  expect(soak.deliveries).toBe(shape.deliveries);
  expect(soak.connections).toHaveLength(2);
  for (const { peak, limit } of soak.connections) {
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThanOrEqual(limit);
  }
  // What is kept, not what is in use: all garbage is collected before each reading. 3,200 deliveries lie between the two.
  const heaps = soak.atRest.filter(({ kind }) => kind === 'heapMiB');
  expect(heaps).toHaveLength(3);
  for (const { owner, before, after } of heaps)
    expect([owner, before, after, after - before < maxHeapGrowthMiB]).toEqual([owner, before, after, true]);
  expect(soak.atRest.find(({ kind }) => kind === 'redisMiB')).toMatchObject({ isFlat: true });
  // Connections that have been idle for some seconds are closed; handles that are left behind never go.
  const gauges = await openGauges(started, stops);
  const handles = soak.atRest.filter(({ kind }) => kind === 'handles');
  expect(handles).toHaveLength(3);
  await waitFor(
    async () => {
      const now = (await gauges.read()).handles;
      return handles.every(({ owner, allowed }) => (now[owner] ?? 0) <= allowed);
    },
    { timeoutMs: 30_000, intervalMs: 500, description: `handles are as few as before: ${JSON.stringify(handles)}` },
  );
}, 120_000);

test('retries that are due in the same second all arrive, none before its time, and never more at once than the dispatchers may make', async () => {
  const shape = {
    deliveries: 2000,
    webhooks: 20,
    concurrency,
    answerAfterMs: 20,
    freshPerSecond: 20,
    freshSeconds: 2,
    sampleMs: 50,
  };
  // It throws when one is lost.
  const burst = await measureRetryBurst(await system(), shape, stops, () => undefined);
  const seen = new Map(burst.limits.map(({ name, seen }) => [name, seen]));
  // All places are taken while the receiver hangs: the limit is what holds the others back.
  expect(seen.get('attempts under way while the receiver hangs')).toBe(2 * concurrency);
  for (const { name, seen, limit } of burst.limits)
    if (/^attempts|^connections|due time/.test(name)) expect([name, seen <= limit]).toEqual([name, true]);
}, 120_000);

test('after a downtime and with an empty Redis, all that has come due is delivered once, and events are accepted meanwhile', async () => {
  const shape = {
    // Several pages of the rebuild.
    deliveries: 4000,
    webhooks: 20,
    concurrency,
    answerAfterMs: 20,
    freshPerSecond: 20,
    freshSeconds: 2,
    sampleMs: 50,
  };
  // It throws when one is lost.
  const downtime = await measureAfterDowntime(await system(), shape, stops, () => undefined);
  const seen = new Map(downtime.limits.map(({ name, seen }) => [name, seen]));
  expect(seen.get('received twice')).toBe(0);
  expect(seen.get('heap of a dispatcher, MiB')).toBeGreaterThan(0);
  for (const { name, seen, limit } of downtime.limits)
    if (!name.startsWith('p99')) expect([name, seen <= limit]).toEqual([name, true]);
}, 120_000);

test('what grows by more than it may is told', () => {
  const reading = (heapMiB: number, handles: number): Reading => ({
    heapMiB: { API: heapMiB },
    residentMiB: {},
    handles: { API: handles },
    connections: {},
    redisMiB: {},
  });
  const allowances = { heapMiB: { share: 0.2, plus: 0 }, handles: { share: 0, plus: 2 } };
  const judge = (...after: Reading[]) =>
    judgeFlatness([reading(50, 10), reading(49, 10), reading(90, 10)], after, allowances).map(({ isFlat }) => isFlat);
  expect(judge(reading(60, 12))).toEqual([true, true]);
  expect(judge(reading(61, 12))).toEqual([false, true]);
  expect(judge(reading(30, 13))).toEqual([true, false]);
});
