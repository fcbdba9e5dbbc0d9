import { availableParallelism } from 'node:os';
import type { Arrivals, GridPublished, Published } from './commands.ts';
import { checkArrivals, countDeliveries, waitForArrivals, waitUntilSettled, withWebhooks } from './deliveries.ts';
import { machineCpuUs, readUsage, resetPeak } from './process-usage.ts';
import type { Percentiles } from './statistics.ts';
import { type ProcessName, processNames, type System } from './system.ts';

export interface LoadShape {
  /** Fan-out: each event goes to this many webhooks. */
  readonly webhooks: number;
  readonly warmUpEvents: number;
  readonly events: number;
  /** Requests to the API at once. */
  readonly inFlight: number;
  readonly batch: number;
}

export interface FullLoad {
  readonly acceptedPerSecond: number;
  readonly deliveriesPerSecond: number;
  /** Deliveries/s as a share of accepted events/s times the fan-out: 1 is as fast as accepted. */
  readonly deliveredShare: number;
  /** From the last 202 to the last receipt. */
  readonly lagMs: number;
  readonly duplicates: number;
  readonly cpuUsPerDelivery: Readonly<Record<ProcessName, number>>;
  /** Deliveries/s at which either all cores together or the one of the busiest process would be used up. */
  readonly cpuCeilingPerSecond: number;
  readonly peakMiB: Readonly<Record<ProcessName, number>>;
  /** Cores that other programs of this machine kept busy meanwhile. */
  readonly otherCores: number;
}

export interface Latency {
  readonly receiptMs: Percentiles;
  readonly answerMs: Percentiles;
  readonly latenessMs: Percentiles;
  readonly duplicates: number;
  readonly otherCores: number;
}

export interface Floors {
  readonly jobsPerSecond: number;
  readonly jobNodeUs: number;
  readonly jobRedisUs: number;
  readonly postsPerSecond: number;
  readonly postUs: number;
  readonly otherCores: number;
}

/** No answer of the load generator takes longer, in ms. */
const loadTimeoutMs = 120_000;

/** Publishes as fast as the API takes it and waits until everything has arrived and is recorded. */
export async function measureFullLoad(system: System, shape: LoadShape): Promise<FullLoad> {
  const { loadGenerator, api, apiKey } = system;
  const publish = (events: number): Promise<Published> =>
    loadGenerator.ask('publish', { ...shape, origin: api.url, apiKey, events, firstSequence: 0 }, loadTimeoutMs);
  return withWebhooks(system, shape.webhooks, async () => {
    await deliverAll(system, shape.warmUpEvents, shape.webhooks, publish);
    const usage = startUsage(system);
    const { published, arrivals } = await deliverAll(system, shape.events, shape.webhooks, publish);
    const deliveries = shape.events * shape.webhooks;
    const acceptedPerSecond = (shape.events / (published.lastAnswerUs - published.firstSendUs)) * 1e6;
    const deliveriesPerSecond = (deliveries / (arrivals.lastArrivalUs - published.firstSendUs)) * 1e6;
    return {
      acceptedPerSecond,
      deliveriesPerSecond,
      deliveredShare: deliveriesPerSecond / (acceptedPerSecond * shape.webhooks),
      lagMs: (arrivals.lastArrivalUs - published.lastAnswerUs) / 1000,
      duplicates: arrivals.duplicates,
      ...usage.end(deliveries),
    };
  });
}

/** Publishes at a steady rate to one webhook. */
export async function measureLatency(system: System, perSecond: number, seconds: number): Promise<Latency> {
  const { loadGenerator, api, apiKey } = system;
  const publish = (events: number): Promise<GridPublished> =>
    loadGenerator.ask(
      'publishOnGrid',
      { origin: api.url, apiKey, events, eventType: 'invoice.paid', perSecond },
      loadTimeoutMs,
    );
  return withWebhooks(system, 1, async () => {
    await deliverAll(system, perSecond, 1, publish);
    const usage = startUsage(system);
    const { published, arrivals } = await deliverAll(system, perSecond * seconds, 1, publish);
    const { otherCores } = usage.end(perSecond * seconds);
    return { receiptMs: arrivals.latencyMs, ...published, duplicates: arrivals.duplicates, otherCores };
  });
}

/** What the two libraries under the dispatcher do on this machine with nothing around them. */
export async function measureFloors(system: System, jobs: number, posts: number): Promise<Floors> {
  const otherCores = watchOthers();
  const queue = await measureQueueFloor(system, jobs);
  const post = await measurePostFloor(system, posts);
  return { ...queue, ...post, otherCores: otherCores() };
}

async function measureQueueFloor({ queueFloor, redisUrl, pids }: System, jobs: number) {
  const run = (count: number): Promise<{ seconds: number }> =>
    queueFloor.ask('run', { redisUrl, jobs: count, concurrency: 256 }, loadTimeoutMs);
  await run(Math.ceil(jobs / 8));
  const nodeUs = measureCpu(queueFloor.pid);
  const redisUs = measureCpu(pids.redis);
  const { seconds } = await run(jobs);
  return { jobsPerSecond: jobs / seconds, jobNodeUs: nodeUs() / jobs, jobRedisUs: redisUs() / jobs };
}

async function measurePostFloor({ receiver, loadGenerator, pids }: System, posts: number) {
  const origin = `http://127.0.0.1:${receiver.port}`;
  const run = async (count: number): Promise<Published> => {
    await receiver.ask('expect', { events: count, webhooks: 1 });
    const posted = await loadGenerator.ask('post', { origin, posts: count, inFlight: 64 }, loadTimeoutMs);
    checkArrivals(await receiver.ask('results', null), count);
    return posted;
  };
  await run(Math.ceil(posts / 8));
  const cpuUs = measureCpu(pids.loadGenerator);
  const { firstSendUs, lastAnswerUs } = await run(posts);
  return { postsPerSecond: (posts / (lastAnswerUs - firstSendUs)) * 1e6, postUs: cpuUs() / posts };
}

/** The mean of two measurements, one before and one after what they are compared with: the machine may have changed. */
export function meanFloors(first: Floors, second: Floors): Floors {
  const names = Object.keys(first) as (keyof Floors)[];
  return Object.fromEntries(names.map(name => [name, (first[name] + second[name]) / 2])) as Record<
    keyof Floors,
    number
  >;
}

/**
 * Publishes, and waits until the receiver has everything and Postgres has it all down as succeeded.
 *
 * @throws if a delivery is lost, or one arrives that nobody published
 */
async function deliverAll<T>(
  system: System,
  events: number,
  webhooks: number,
  publish: (events: number) => Promise<T>,
): Promise<{ published: T; arrivals: Arrivals }> {
  const { receiver } = system;
  const succeededBefore = (await countDeliveries(system)).get('succeeded') ?? 0;
  await receiver.ask('expect', { events, webhooks });
  const published = await publish(events);
  await waitForArrivals(receiver, events * webhooks);
  await waitUntilSettled(system);
  const arrivals = await receiver.ask('results', null);
  checkArrivals(arrivals, events * webhooks);
  const counts = await countDeliveries(system);
  const recorded = (counts.get('succeeded') ?? 0) - succeededBefore;
  if (recorded !== events * webhooks)
    throw new Error(
      `${events * webhooks} deliveries arrived, ${recorded} are recorded: ${JSON.stringify([...counts])}`,
    );
  return { published, arrivals };
}

function measureCpu(pid: number): () => number {
  const before = readUsage(pid).cpuUs;
  return () => readUsage(pid).cpuUs - before;
}

function startUsage({ pids }: System): {
  end(deliveries: number): Pick<FullLoad, 'cpuUsPerDelivery' | 'cpuCeilingPerSecond' | 'peakMiB' | 'otherCores'>;
} {
  for (const name of processNames) resetPeak(pids[name]);
  const otherCores = watchOthers();
  const before = mapProcesses(name => readUsage(pids[name]).cpuUs);
  return {
    end(deliveries) {
      const after = mapProcesses(name => readUsage(pids[name]));
      const cpuUsPerDelivery = mapProcesses(name => (after[name].cpuUs - before[name]) / deliveries);
      return {
        cpuUsPerDelivery,
        cpuCeilingPerSecond: cpuCeiling(cpuUsPerDelivery),
        peakMiB: mapProcesses(name => after[name].peakBytes / 1024 ** 2),
        otherCores: otherCores(),
      };
    },
  };
}

/** Postgres has a process for each connection; of the others one thread does nearly everything. */
function cpuCeiling(cpuUs: Readonly<Record<ProcessName, number>>): number {
  const total = Object.values(cpuUs).reduce((sum, each) => sum + each, 0);
  const busiest = Math.max(...processNames.map(name => (name === 'postgres' ? 0 : cpuUs[name])));
  return 1e6 / Math.max(total / availableParallelism(), busiest);
}

/**
 * All that runs for the benchmark descends from this process; the rest of the machine's time is somebody else's.
 *
 * @returns what tells how many cores others have used since; NaN where the system does not say
 */
function watchOthers(): () => number {
  const othersUs = (): number => machineCpuUs() - readUsage(process.pid).cpuUs;
  const before = othersUs();
  const startedAt = performance.now();
  return () => Math.max(0, (othersUs() - before) / ((performance.now() - startedAt) * 1000));
}

function mapProcesses<T>(value: (name: ProcessName) => T): Record<ProcessName, T> {
  return Object.fromEntries(processNames.map(name => [name, value(name)])) as Record<ProcessName, T>;
}
