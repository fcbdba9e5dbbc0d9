import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseId } from '@signpost/runtime';
import type { Cleanup } from './cleanup.ts';
import { compare, type Comparison } from './compare.ts';
import { type FaultLog, findUnmetKinds, runFaults } from './fault-rounds.ts';
import { describeDelivery, type FinalState, readFinalState, waitUntilSettled } from './final-state.ts';
import { type ProducerCounts, startProducers } from './producers.ts';
import { createRandom } from './random.ts';
import type { ReceiverReport } from './receivers.ts';
import { startStateLines } from './state-lines.ts';
import { type ChaosSystem, startChaosSystem } from './system.ts';
import { webhooks } from './traffic.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly forMs: number;
  readonly eventsPerSecond: number;
  /** Told what happens, when it happens. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What a run has come to. */
export interface ChaosResult {
  readonly published: number;
  readonly producers: ProducerCounts;
  readonly faults: FaultLog;
  readonly comparison: Comparison;
  readonly received: Pick<ReceiverReport, 'requests' | 'refusals'>;
  readonly state: FinalState;
  readonly settledAfterMs: number;
  /** All that must not be, in words. Empty: the run has passed. */
  readonly failures: readonly string[];
}

/** What was accepted is published to the end within this after the faults, in ms … */
const publishTimeoutMs = 90_000;
/** … and delivered within this, in ms. */
const settleTimeoutMs = 150_000;
/** Traffic before the first fault, in ms. */
const quietStartMs = 1000;
const maxShown = 20;

/** Does everything a run does. @throws where it cannot be done, or does not settle */
export async function runChaos(options: ChaosOptions, cleanup: Cleanup): Promise<ChaosResult> {
  const { say, signal } = options;
  const random = createRandom(options.seed);
  const system = await startChaosSystem(random.fork('system'), cleanup);
  signal.throwIfAborted();
  say('everything is up');
  cleanup.add(startStateLines(system, say));
  const producers = startProducers({
    clients: system.clients,
    random: random.fork('events'),
    runId: randomBytes(6).toString('hex'),
    eventsPerSecond: options.eventsPerSecond,
  });
  await delay(quietStartMs, undefined, { signal });
  const faults = await runFaults(system, random.fork('faults'), options.forMs, signal, say);
  say('the faults are over; everything is healed');
  for (const receiver of system.receivers) receiver.calm();
  const healedAt = performance.now();
  await producers.stop(publishTimeoutMs);
  signal.throwIfAborted();
  say('what was published is acknowledged');
  await waitUntilSettled(system, settleTimeoutMs);
  const settledAfterMs = performance.now() - healedAt;
  say('nothing is pending');
  const reports = await Promise.all(system.receivers.map(receiver => receiver.report()));
  const comparison = compare(
    producers.published,
    webhooks,
    reports.flatMap(report => report.rows),
    reports.flatMap(report => report.unsigned),
  );
  const state = await readFinalState(system);
  const unacknowledged = [...producers.published.values()].filter(event => event.acknowledgedMs === null);
  return {
    published: producers.published.size,
    producers: producers.counts,
    faults,
    comparison,
    received: {
      requests: reports.reduce((sum, report) => sum + report.requests, 0),
      refusals: addUp(reports.map(report => report.refusals)),
    },
    state,
    settledAfterMs,
    failures: [
      ...faults.unexpectedEnds,
      ...findUnmetKinds(faults.counts, options.forMs),
      ...unacknowledged.map(({ event }) => `number ${event.n} was never acknowledged`).slice(0, maxShown),
      ...producers.counts.refused.map(text => `refused for good: ${text}`).slice(0, maxShown),
      ...[...system.slots.values()].flatMap(slot => slot.internalFaults().slice(0, maxShown)),
      ...(await describeViolations(system, comparison)),
      ...state.notSucceeded,
      ...state.endedTwice,
      ...state.findings.map(text => `audit: ${text}`),
    ],
  };
}

async function describeViolations(system: ChaosSystem, { violations }: Comparison): Promise<string[]> {
  const lines: string[] = [];
  for (const [index, { kind, text, eventId, path }] of violations.entries()) {
    if (index >= maxShown) return [...lines, `and ${violations.length - maxShown} more`];
    const event = eventId === null ? null : parseId('event', eventId);
    const webhook = parseId('webhook', system.webhookIds.get(path ?? '') ?? '');
    const rows = event === null || webhook === null ? '' : `\n  ${await describeDelivery(system, event, webhook)}`;
    lines.push(`${kind}: ${text}${rows}`);
  }
  return lines;
}

function addUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of counts.flatMap(each => Object.entries(each))) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
