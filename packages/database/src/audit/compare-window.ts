import { matchesSubscription } from '@signpost/delivery';
import type { FindingKind, FindingLog } from './findings.ts';
import type { AuditedDelivery, AuditedEvent, AuditedWebhook } from './window-rows.ts';

/** What the audit takes from outside of this package. */
export interface AuditRules {
  /** The id that the delivery of an event to a webhook has. */
  deriveDeliveryId(eventId: string, webhookId: string): string;
  /**
   * How many retries the contract of a delivery allows.
   *
   * @param document of the version that the delivery began with; null: the contract comes with Signpost
   * @returns null where that cannot be told
   */
  contractRetries(contract: string, document: unknown): number | null;
  /**
   * A webhook counts as unchanged for an event where its last change was made at least this much before, in ms: a change
   * has its time before it commits, and an event that is accepted in between may or may not see it.
   */
  readonly changeMarginMs: number;
}

/** All rows of a window, as they stood at one moment. */
export interface WindowRows {
  readonly events: readonly AuditedEvent[];
  readonly deliveries: readonly AuditedDelivery[];
  /** By workspace; all of them, for each workspace of the window that exists. */
  readonly webhooks: ReadonlyMap<string, readonly AuditedWebhook[]>;
  /** Webhooks that the deliveries name and that exist, with their workspaces. */
  readonly webhookOwners: ReadonlyMap<string, string>;
  /** Whether retention has taken the deliveries, or the attempts, of the day that an id belongs to. */
  lacks(table: 'deliveries' | 'attempts', id: string): boolean;
}

/**
 * Compares the events of a window with its deliveries, and each delivery with its attempts. Pure.
 *
 * @returns how many pairs of event and webhook were expected to have a delivery
 */
export function compareWindow(rows: WindowRows, rules: AuditRules, log: FindingLog): number {
  const deliveryById = new Map(rows.deliveries.map(delivery => [delivery.id, delivery]));
  const testEvents = new Set(rows.deliveries.filter(delivery => delivery.test).map(delivery => delivery.eventId));
  let expected = 0;
  for (const event of rows.events) {
    if (event.waits || event.isExpunged || testEvents.has(event.id) || rows.lacks('deliveries', event.id)) continue;
    for (const webhook of rows.webhooks.get(event.workspaceId) ?? []) {
      if (!isUnchanged(webhook, event.createdAt, rules) || !matchesSubscription(webhook, event)) continue;
      expected += 1;
      if (!deliveryById.has(rules.deriveDeliveryId(event.id, webhook.id)))
        log.add('delivery_missing', { event: event.id, webhook: webhook.id });
    }
  }
  const eventById = new Map(rows.events.map(event => [event.id, event]));
  const webhookById = new Map([...rows.webhooks.values()].flat().map(webhook => [webhook.id, webhook]));
  for (const delivery of rows.deliveries) {
    const webhook = webhookById.get(delivery.webhookId);
    const found = [...findOriginFaults(delivery, eventById.get(delivery.eventId), webhook, rows, rules)];
    found.push(...findStateFaults(delivery));
    if (!rows.lacks('attempts', delivery.id)) found.push(...findAttemptFaults(delivery, webhook, rules));
    for (const { kind, detail } of found) {
      const { id, eventId, webhookId } = delivery;
      log.add(kind, { delivery: id, event: eventId, webhook: webhookId, ...(detail === undefined ? {} : { detail }) });
    }
  }
  return expected;
}

function isUnchanged(webhook: AuditedWebhook, since: Date, rules: AuditRules): boolean {
  return webhook.changedAt.getTime() + rules.changeMarginMs < since.getTime();
}

interface Fault {
  readonly kind: FindingKind;
  readonly detail?: string;
}

/** Whether a delivery belongs to the event and the webhook that it names. */
function* findOriginFaults(
  delivery: AuditedDelivery,
  event: AuditedEvent | undefined,
  webhook: AuditedWebhook | undefined,
  rows: WindowRows,
  rules: AuditRules,
): Generator<Fault> {
  if (event === undefined) {
    yield { kind: 'delivery_without_event' };
    return;
  }
  const owner = rows.webhookOwners.get(delivery.webhookId);
  if (event.workspaceId !== delivery.workspaceId || (owner !== undefined && owner !== delivery.workspaceId))
    yield { kind: 'delivery_foreign', detail: 'workspace' };
  if (event.eventType !== delivery.eventType) yield { kind: 'delivery_foreign', detail: 'event type' };
  // A test send goes to the webhook that it was asked for, under an id of its own.
  if (delivery.test) return;
  if (delivery.id !== rules.deriveDeliveryId(delivery.eventId, delivery.webhookId)) yield { kind: 'delivery_id_wrong' };
  if (webhook !== undefined && isUnchanged(webhook, event.createdAt, rules) && !matchesSubscription(webhook, event))
    yield { kind: 'delivery_unexpected' };
}

/** Whether status and times of a delivery fit together. */
function* findStateFaults(delivery: AuditedDelivery): Generator<Fault> {
  const { status, nextAttemptAt, completedAt, test } = delivery;
  if (status === 'pending') {
    if ((nextAttemptAt === null && !test) || completedAt !== null) yield { kind: 'pending_incomplete' };
  } else if (nextAttemptAt !== null || completedAt === null) {
    yield { kind: 'final_incomplete', detail: status };
  }
}

/** Whether a delivery's status and counts fit its attempts. */
function* findAttemptFaults(
  delivery: AuditedDelivery,
  webhook: AuditedWebhook | undefined,
  rules: AuditRules,
): Generator<Fault> {
  const { status, attempts, attemptCount, firstNumber, lastNumber, firstSuccessNumber } = delivery;
  if (attemptCount !== attempts)
    yield { kind: 'attempt_count_wrong', detail: `attempt_count ${attemptCount}, ${attempts} attempts` };
  // No number can be there twice, so first and last say it all.
  if (attempts > 0 && (firstNumber !== 1 || lastNumber !== attempts))
    yield { kind: 'attempt_numbers_wrong', detail: `${firstNumber} to ${lastNumber}, ${attempts} attempts` };
  if (delivery.scheduledAttemptCount !== delivery.scheduledAttempts)
    yield {
      kind: 'scheduled_count_wrong',
      detail: `scheduled_attempt_count ${delivery.scheduledAttemptCount}, ${delivery.scheduledAttempts} attempts`,
    };
  if (status === 'succeeded' && firstSuccessNumber === null) yield { kind: 'succeeded_without_success' };
  if (status !== 'succeeded' && firstSuccessNumber !== null) yield { kind: 'success_not_final', detail: status };
  if (status === 'failed' && attempts === 0) yield { kind: 'failed_without_attempt' };
  // A person may retry after the end; the schedule may not.
  if (firstSuccessNumber !== null && (delivery.lastScheduledNumber ?? 0) > firstSuccessNumber)
    yield {
      kind: 'attempt_after_success',
      detail: `succeeded with ${firstSuccessNumber}, scheduled ${delivery.lastScheduledNumber}`,
    };
  const retries = allowedRetries(delivery, webhook, rules);
  if (retries !== null && delivery.scheduledAttempts > retries + 1)
    yield {
      kind: 'schedule_exceeded',
      detail: `${delivery.scheduledAttempts} attempts, ${retries + 1} allowed`,
    };
}

/** Null where it cannot be told, e.g. because the webhook has been changed while its delivery was under way. */
function allowedRetries(
  delivery: AuditedDelivery,
  webhook: AuditedWebhook | undefined,
  rules: AuditRules,
): number | null {
  if (webhook === undefined || !isUnchanged(webhook, delivery.createdAt, rules)) return null;
  if (webhook.retrySchedule !== null) return webhook.retrySchedule.length;
  if (delivery.contract === null || delivery.contractVersion === null) return null;
  return rules.contractRetries(delivery.contract, delivery.contractDocument ?? null);
}
