import type { AttemptErrorCode } from '@signpost/delivery';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@signpost/runtime';

/** Counted with plain additions on the hot path; the registry reads them when it is asked. */
export interface DispatcherCounts {
  eventsFannedOut: number;
  deliveriesCreated: number;
  attemptsSucceeded: number;
  readonly attemptsFailed: Map<AttemptErrorCode, number>;
  superseded: number;
  cancelled: number;
  putOff: number;
  repairedEvents: number;
  repairedDeliveries: number;
  rebuilds: number;
  quarantined: number;
  fanOutFaults: number;
  inFlight: number;
}

export function createCounts(): DispatcherCounts {
  return {
    eventsFannedOut: 0,
    deliveriesCreated: 0,
    attemptsSucceeded: 0,
    attemptsFailed: new Map(),
    superseded: 0,
    cancelled: 0,
    putOff: 0,
    repairedEvents: 0,
    repairedDeliveries: 0,
    rebuilds: 0,
    quarantined: 0,
    fanOutFaults: 0,
    inFlight: 0,
  };
}

export interface DispatcherMetrics {
  readonly registry: Registry;
  observeAttemptSeconds(seconds: number): void;
}

/** Counters that read a field of {@link DispatcherCounts}. */
const plainCounters: readonly [name: string, help: string, field: keyof DispatcherCounts][] = [
  ['signpost_events_fanned_out_total', 'Events whose deliveries were made.', 'eventsFannedOut'],
  ['signpost_deliveries_created_total', 'Deliveries made by fan-out.', 'deliveriesCreated'],
  ['signpost_outcomes_superseded_total', 'Outcomes that came too late to count.', 'superseded'],
  ['signpost_deliveries_cancelled_total', 'Deliveries found without an active webhook.', 'cancelled'],
  [
    'signpost_deliveries_put_off_total',
    'Times that a delivery had to wait because its receiver asked for it with Retry-After.',
    'putOff',
  ],
  ['signpost_repaired_events_total', 'Events that the repairer enqueued.', 'repairedEvents'],
  ['signpost_repaired_deliveries_total', 'Overdue deliveries that the repairer enqueued.', 'repairedDeliveries'],
  [
    'signpost_deliveries_quarantined_total',
    'Deliveries set aside because a fault of ours kept breaking them: alert on any.',
    'quarantined',
  ],
  [
    'signpost_fan_out_faults_total',
    'Events whose fan-out failed by a fault of ours, to be tried again later: alert on any.',
    'fanOutFaults',
  ],
  ['signpost_queue_rebuilds_total', 'Times that the queues were filled anew from Postgres.', 'rebuilds'],
];

/** Asked for at each scrape, in seconds. */
export interface Ages {
  /** How late the most overdue delivery is. */
  readonly oldestDue: () => Promise<number>;
  /** How long the oldest event waits for its fan-out. */
  readonly oldestUnfanned: () => Promise<number>;
  /** How far the host's clock is ahead of the database's. */
  readonly hostClockOffset: () => number;
}

export function createMetrics(counts: DispatcherCounts, ages: Ages): DispatcherMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const [name, help, field] of plainCounters) {
    const collect = function (this: Counter): void {
      this.reset();
      this.inc(Number(counts[field]));
    };
    new Counter({ name, help, registers, collect });
  }
  addAttemptCounter(registry, counts);
  new Gauge({
    name: 'signpost_attempts_in_flight',
    help: 'Attempts under way.',
    registers,
    collect() {
      this.set(counts.inFlight);
    },
  });
  addAgeGauge(
    registry,
    'signpost_oldest_due_age_seconds',
    'How late the most overdue delivery is: alert and scale on this.',
    ages.oldestDue,
  );
  addAgeGauge(
    registry,
    'signpost_oldest_unfanned_age_seconds',
    'How long the oldest event waits for its fan-out.',
    ages.oldestUnfanned,
  );
  addAgeGauge(
    registry,
    'signpost_host_clock_offset_seconds',
    "How far this host's clock is ahead of the database's, by which it is corrected.",
    ages.hostClockOffset,
  );
  const duration = new Histogram({
    name: 'signpost_attempt_duration_seconds',
    help: 'How long attempts took.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  return { registry, observeAttemptSeconds: seconds => duration.observe(seconds) };
}

function addAttemptCounter(registry: Registry, counts: DispatcherCounts): void {
  new Counter({
    name: 'signpost_attempts_total',
    help: 'Attempts by outcome.',
    labelNames: ['status', 'error_code'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ status: 'succeeded', error_code: '' }, counts.attemptsSucceeded);
      for (const [code, count] of counts.attemptsFailed) this.inc({ status: 'failed', error_code: code }, count);
    },
  });
}

function addAgeGauge(
  registry: Registry,
  name: string,
  help: string,
  readSeconds: () => Promise<number> | number,
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      this.set(await readSeconds());
    },
  });
}
