// A long load: does anything grow that should not?
import { setTimeout as delay } from 'node:timers/promises';
import { checkArrivals, countDeliveries, waitForArrivals, waitUntilSettled, withWebhooks } from './deliveries.ts';
import { type Allowances, type Change, judgeFlatness } from './flatness.ts';
import { type Gauges, openGauges, type Reading, repeat } from './readings.ts';
import type { Stops, System } from './system.ts';

export interface SoakShape {
  /** In all, without the warm-up. A multiple of `webhooks` × 10. */
  readonly deliveries: number;
  /** Each event goes to this many. */
  readonly webhooks: number;
  /** Events that are delivered to one webhook before anything is read. */
  readonly warmUpEvents: number;
  /** Published at once; the next are published when no more than as many are on their way. */
  readonly sliceEvents: number;
  /** Requests to the API at once. */
  readonly inFlight: number;
  readonly sampleMs: number;
  /** How long everything is left alone before it counts as at rest, in ms. */
  readonly restMs: number;
}

export interface SoakResult {
  readonly deliveries: number;
  readonly deliveriesPerSecond: number;
  readonly duplicates: number;
  /** Readings in the second tenth and in the last. */
  readonly samples: readonly [number, number];
  /** Under load: the medians of the second tenth and of the last. */
  readonly underLoad: readonly Change[];
  /** With nothing to do: after the second tenth and at the end. */
  readonly atRest: readonly Change[];
  readonly connections: readonly ConnectionLimit[];
  /** What keeps the apps' event loops busy at rest, after the second tenth and at the end. */
  readonly resources: readonly [ResourceCounts, ResourceCounts];
  readonly isFlat: boolean;
}

type ResourceCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface ConnectionLimit {
  readonly owner: string;
  readonly peak: number;
  readonly limit: number;
}

/**
 * A dispatcher keeps the contents of the last 50,000 events: before these caches are full, its heap grows as it should.
 */
export const eventsThatFillCaches = 52_000;
/** Connections come and go with what they are needed for: the hot path's pool closes those that are idle. */
const underLoadAllowances: Allowances = {
  heapMiB: { share: 0.2, plus: 0 },
  residentMiB: { share: 0.25, plus: 0 },
  connections: { share: 0, plus: 2 },
};
const atRestAllowances: Allowances = {
  heapMiB: { share: 0.2, plus: 0 },
  handles: { share: 0, plus: 2 },
  connections: { share: 0, plus: 2 },
  redisMiB: { share: 0.2, plus: 1 },
};
const tenths = 10;
const sliceTimeoutMs = 60_000;
/** Sorts the latencies of all deliveries. */
const resultsTimeoutMs = 60_000;

/** What the pools of one API and of each dispatcher are limited to, by application name. */
export function connectionLimits(dispatchers: number): Record<string, number> {
  return { 'Postgres, signpost': 8 + 3 * dispatchers, 'Postgres, signpost hot path': 4 + 6 * dispatchers };
}

/**
 * Pushes deliveries through at full load, with a bounded backlog, and reads all the while what is in use.
 *
 * @throws if a delivery is lost, or one arrives that nobody published
 */
export async function measureSoak(
  system: System,
  shape: SoakShape,
  stops: Stops,
  note: (text: string) => void,
): Promise<SoakResult> {
  const gauges = await openGauges(system, stops);
  const { receiver } = system;
  note(`warm-up: ${shape.warmUpEvents} events`);
  await receiver.ask('expect', { events: shape.warmUpEvents, webhooks: 1 });
  await withWebhooks(system, 1, () => pass(system, shape, { from: 0, to: shape.warmUpEvents, webhooks: 1 }));
  await waitUntilSettled(system);
  const succeededBefore = (await countDeliveries(system)).get('succeeded') ?? 0;
  const events = shape.deliveries / shape.webhooks;
  await receiver.ask('expect', { events, webhooks: shape.webhooks });
  const load = await withWebhooks(system, shape.webhooks, () => passInTenths(system, shape, events, gauges, note));
  const arrivals = await receiver.ask('results', null, resultsTimeoutMs);
  checkArrivals(arrivals, shape.deliveries);
  const counts = await countDeliveries(system);
  const recorded = (counts.get('succeeded') ?? 0) - succeededBefore;
  if (recorded !== shape.deliveries)
    throw new Error(`${shape.deliveries} deliveries arrived, ${recorded} are recorded: ${JSON.stringify([...counts])}`);
  const [second = [], last = []] = [load.samples[1], load.samples.at(-1)];
  const underLoad = judgeFlatness(second, last, underLoadAllowances);
  const atRest = judgeFlatness(load.rests.slice(0, 1), load.rests.slice(-1), atRestAllowances);
  const connections = peakConnections(load.samples.flat(), connectionLimits(system.dispatchers.length));
  return {
    deliveries: shape.deliveries,
    deliveriesPerSecond: shape.deliveries / load.busySeconds,
    duplicates: arrivals.duplicates,
    samples: [second.length, last.length],
    underLoad,
    atRest,
    connections,
    resources: load.resources as [ResourceCounts, ResourceCounts],
    isFlat:
      [...underLoad, ...atRest].every(change => change.isFlat) && connections.every(({ peak, limit }) => peak <= limit),
  };
}

async function passInTenths(
  system: System,
  shape: SoakShape,
  events: number,
  gauges: Gauges,
  note: (text: string) => void,
) {
  const samples: Reading[][] = [];
  const rests: Reading[] = [];
  const resources: ResourceCounts[] = [];
  let busySeconds = 0;
  for (let tenth = 0; tenth < tenths; tenth += 1) {
    const found: Reading[] = [];
    const startedAt = performance.now();
    const sampling = repeat(shape.sampleMs, async () => void found.push(await gauges.read()));
    try {
      const [from, to] = [(events / tenths) * tenth, (events / tenths) * (tenth + 1)];
      await pass(system, shape, { from, to, webhooks: shape.webhooks });
    } finally {
      await sampling.stop();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    busySeconds += seconds;
    samples.push(found);
    const rate = Math.round(shape.deliveries / tenths / seconds);
    note(`${tenth + 1}0 %: ${rate} deliveries/s, ${found.length} readings, the last ${inShort(found.at(-1))}`);
    if (tenth !== 1 && tenth !== tenths - 1) continue;
    await waitUntilSettled(system);
    await delay(shape.restMs);
    rests.push(await gauges.read());
    resources.push(await gauges.resources());
  }
  return { samples, rests, resources, busySeconds };
}

/** Publishes the events of a range slice by slice, and returns when all their deliveries have arrived. */
async function pass(
  { loadGenerator, receiver, api, apiKey }: System,
  { sliceEvents, inFlight }: SoakShape,
  { from, to, webhooks }: { from: number; to: number; webhooks: number },
): Promise<void> {
  // One webhook takes as many deliveries at once as many do.
  const step = Math.ceil(sliceEvents * (webhooks === 1 ? 10 : 1));
  for (let first = from; first < to; first += step) {
    const events = Math.min(step, to - first);
    await loadGenerator.ask(
      'publish',
      { origin: api.url, apiKey, events, firstSequence: first, inFlight, batch: 1 },
      sliceTimeoutMs,
    );
    await waitForArrivals(receiver, Math.max(0, first + events - step) * webhooks);
  }
  await waitForArrivals(receiver, to * webhooks);
}

function peakConnections(readings: readonly Reading[], limits: Record<string, number>): ConnectionLimit[] {
  return Object.entries(limits).map(([owner, limit]) => ({
    owner,
    limit,
    peak: Math.max(...readings.map(({ connections }) => connections[owner] ?? 0)),
  }));
}

function inShort(reading: Reading | undefined): string {
  return Object.entries(reading?.heapMiB ?? {})
    .map(([name, mib]) => `${name} ${mib.toFixed(0)} MiB`)
    .join(', ');
}
