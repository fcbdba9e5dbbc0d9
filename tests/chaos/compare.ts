import type { ReceivedRow } from './receiver-messages.ts';
import type { ChaosEvent, ChaosWebhook } from './traffic.ts';

/** An event that was published: what the API said of it. */
export interface PublishedEvent {
  readonly event: ChaosEvent;
  /** The event's id by every answer that acknowledged it; more than one is a fault. Empty: nobody knows whether it was accepted. */
  readonly ids: readonly string[];
  /** Unix milliseconds of the first acknowledgement. */
  readonly acknowledgedMs: number | null;
}

/** Something that must not be. */
export interface Violation {
  readonly kind: 'missing' | 'foreign' | 'unknown_event' | 'doubled_event' | 'other_body' | 'unsigned';
  readonly text: string;
  /** Public id, where the event has one. */
  readonly eventId: string | null;
  readonly path: string | null;
}

export interface Comparison {
  readonly violations: readonly Violation[];
  /** Pairs of an acknowledged event and a webhook that wants it. */
  readonly expected: number;
  /** Successful requests beyond the first of a delivery. */
  readonly duplicates: number;
  /** From the acknowledgement to the first success, in ms, sorted. */
  readonly delaysMs: readonly number[];
}

/**
 * Compares what was acknowledged with what arrived. Pure.
 *
 * @param published by number
 * @param unsigned requests whose signature did not verify: path and id
 */
export function compare(
  published: ReadonlyMap<number, PublishedEvent>,
  webhooks: readonly ChaosWebhook[],
  rows: readonly ReceivedRow[],
  unsigned: readonly string[],
): Comparison {
  const violations: Violation[] = unsigned.map(what => ({ kind: 'unsigned', text: what, eventId: null, path: null }));
  const arrived = new Map<string, ReceivedRow>();
  let duplicates = 0;
  const wanting = new Map(webhooks.map(webhook => [webhook.path, webhook]));
  for (const row of rows) {
    const place = { eventId: row.id, path: row.path };
    const known = published.get(row.n);
    const key = `${row.path} ${row.n}`;
    if (known === undefined || (known.ids.length > 0 && !known.ids.includes(row.id)))
      violations.push({ kind: 'unknown_event', text: `${row.id} (number ${row.n}) at ${row.path}`, ...place });
    else if (wanting.get(row.path)?.wants(known.event) !== true)
      violations.push({ kind: 'foreign', text: `${row.id} at ${row.path}, which does not want it`, ...place });
    if (arrived.has(key))
      violations.push({ kind: 'doubled_event', text: `number ${row.n} at ${row.path}: two ids`, ...place });
    if (row.otherBodies > 0)
      violations.push({ kind: 'other_body', text: `${row.id} at ${row.path}: ${row.otherBodies} times`, ...place });
    arrived.set(key, row);
    duplicates += Math.max(0, row.taken - 1);
  }
  const delaysMs: number[] = [];
  let expected = 0;
  for (const { event, ids, acknowledgedMs } of published.values()) {
    if (ids.length > 1)
      violations.push({
        kind: 'doubled_event',
        text: `number ${event.n} is ${ids.join(' and ')}`,
        eventId: ids[0] as string,
        path: null,
      });
    if (acknowledgedMs === null) continue;
    for (const { path } of webhooks.filter(webhook => webhook.wants(event))) {
      expected += 1;
      const row = arrived.get(`${path} ${event.n}`);
      if (row === undefined || row.firstTakenMs === null)
        violations.push({
          kind: 'missing',
          text: `${ids[0]} (number ${event.n}) at ${path}`,
          eventId: ids[0] ?? null,
          path,
        });
      else delaysMs.push(Math.max(0, row.firstTakenMs - acknowledgedMs));
    }
  }
  return { violations, expected, duplicates, delaysMs: delaysMs.sort((a, b) => a - b) };
}
