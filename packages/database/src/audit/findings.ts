/** What an audit may find, and how it reads. The keys are stable: scripts watch them. */
export const findingTexts = {
  delivery_missing: 'events that were fanned out, without a delivery for a webhook that matched',
  delivery_unexpected: 'deliveries to webhooks that the event does not match',
  delivery_id_wrong: 'deliveries whose id does not follow from event and webhook: second ones for the same pair',
  delivery_without_event: 'deliveries whose event does not exist',
  delivery_foreign:
    'deliveries whose workspace or event type is not that of the event, or whose webhook is another workspace’s',
  attempt_without_delivery: 'attempts whose delivery does not exist',
  attempt_count_wrong: 'deliveries whose attempt_count is not the number of their attempts',
  attempt_numbers_wrong: 'deliveries whose attempts are not numbered 1, 2, 3 …',
  scheduled_count_wrong: 'deliveries whose scheduled_attempt_count is not the number of their scheduled attempts',
  succeeded_without_success: 'succeeded deliveries without a succeeded attempt',
  success_not_final: 'deliveries with a succeeded attempt that are not succeeded',
  failed_without_attempt: 'failed deliveries without an attempt',
  final_incomplete: 'ended deliveries without the time of their end, or with a next attempt',
  pending_incomplete: 'pending deliveries without a due time, or with the time of an end',
  attempt_after_success: 'deliveries with a scheduled attempt after the one that succeeded',
  schedule_exceeded: 'deliveries with more scheduled attempts than their retry schedule allows',
  event_late: 'accepted events that wait for their fan-out for too long',
  delivery_late: 'pending deliveries that are overdue for too long',
  manual_retry_late: 'manual retries that nobody has made for too long',
  delivery_without_job: 'pending deliveries without a job in Redis',
  queue_incomplete: 'Redis was wiped, restarted or replaced, and not yet filled again',
} as const;

export type FindingKind = keyof typeof findingTexts;

/** The rows that a finding is about, as UUIDs. */
export interface FindingExample {
  readonly event?: string;
  readonly webhook?: string;
  readonly delivery?: string;
  /** What was found where. */
  readonly detail?: string;
}

export interface Finding {
  readonly kind: FindingKind;
  readonly count: number;
  /** The first ones. */
  readonly examples: readonly FindingExample[];
}

/** Collects findings; keeps the count of all and the first of each kind. */
export interface FindingLog {
  add(kind: FindingKind, example: FindingExample): void;
  /** @param count of all, those without an example included */
  addMany(kind: FindingKind, count: number, examples: readonly FindingExample[]): void;
  list(): Finding[];
}

export const maxExamples = 20;

export function createFindingLog(): FindingLog {
  const found = new Map<FindingKind, { count: number; examples: FindingExample[] }>();
  const addMany: FindingLog['addMany'] = (kind, count, examples) => {
    if (count === 0) return;
    const entry = found.get(kind) ?? { count: 0, examples: [] };
    entry.count += count;
    entry.examples.push(...examples.slice(0, maxExamples - entry.examples.length));
    found.set(kind, entry);
  };
  return {
    addMany,
    add: (kind, example) => addMany(kind, 1, [example]),
    list: () => [...found].map(([kind, { count, examples }]) => ({ kind, count, examples })),
  };
}
