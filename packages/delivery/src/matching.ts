/** Letters, digits, `_`, `.`, `-`; no empty segment between dots. */
const eventTypePattern = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
export const maxEventTypeLength = 256;

/** Whether a name may be an event type: `call.ended`, `bookingCreate`. */
export function isEventType(name: string): boolean {
  return name.length <= maxEventTypeLength && eventTypePattern.test(name);
}

/** Whether a subscription pattern is well formed: an event type, `*`, or an event type's beginning and `.*`. */
export function isEventTypePattern(pattern: string): boolean {
  if (pattern === '*') return true;
  return isEventType(pattern.endsWith('.*') ? pattern.slice(0, -2) : pattern);
}

/**
 * Whether an event type falls under a subscription pattern. `*` takes all; `call.*` takes everything below `call.`
 * at any depth, but not `call` itself; anything else must be equal.
 */
export function matchesEventType(pattern: string, eventType: string): boolean {
  if (pattern === '*') return true;
  if (pattern.endsWith('.*')) return eventType.startsWith(pattern.slice(0, -1));
  return pattern === eventType;
}

/** What of a webhook decides whether it gets an event. */
export interface Subscription {
  readonly active: boolean;
  /** Patterns; see {@link matchesEventType}. */
  readonly eventTypes: readonly string[];
  /** null: events of every subject and of none. */
  readonly subject: string | null;
  /** Empty: every channel and none. */
  readonly channels: readonly string[];
}

/** What of an event decides which webhooks get it. */
export interface RoutedEvent {
  readonly eventType: string;
  readonly subject: string | null;
  readonly channels: readonly string[];
}

/**
 * Whether a webhook gets an event: active, one of its patterns matches, its subject (if it has one) is the event's, and
 * at least one of its channels (if it has any) is among the event's.
 */
export function matchesSubscription(subscription: Subscription, event: RoutedEvent): boolean {
  if (!subscription.active) return false;
  if (subscription.subject !== null && subscription.subject !== event.subject) return false;
  if (subscription.channels.length > 0 && !subscription.channels.some(channel => event.channels.includes(channel)))
    return false;
  return subscription.eventTypes.some(pattern => matchesEventType(pattern, event.eventType));
}

/** Something that was made at a moment. */
export interface Dated {
  /** UUIDv7: begins with the moment by the clock of the API process that made it. */
  readonly id: string;
  /** The moment by the clock of Postgres. */
  readonly createdAtMs: number;
}

/**
 * Whether an event was accepted before a webhook was made: then the webhook does not get it, however late it is fanned out.
 *
 * Both clocks have to say so. After a failover Postgres may go by a clock that is behind; an event too many is better than
 * one that is lost.
 */
export function isFromBefore(event: Dated, webhook: Dated): boolean {
  return event.createdAtMs < webhook.createdAtMs && event.id < webhook.id;
}
