import type { Fields } from './answer.ts';
import { type Delivery, readDelivery } from './delivery.ts';
import { SignpostError } from './errors.ts';
import { momentText, type PageFilter, queryOf } from './pages.ts';

interface EventFields {
  /** Such as `call.ended`. */
  readonly eventType: string;
  /** When it happened; the time of publishing if it is missing. */
  readonly timestamp?: Date | string;
  /** What the event is about, such as a customer. */
  readonly subject?: string | null;
  readonly channels?: readonly string[];
  /** Kept with the event; contracts may send it. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  /** Stands for this event: publishing with it again gives the first event. One is made if it is missing. */
  readonly idempotencyKey?: string;
}

/** An event to publish. */
export type NewEvent = EventFields &
  (
    | {
        /** Any value that JSON can say. */
        readonly data: unknown;
        readonly dataText?: undefined;
      }
    | {
        /** The data as JSON text, delivered with exactly these bytes: for what a JavaScript number cannot hold. */
        readonly dataText: string;
        readonly data?: undefined;
      }
  );

/** What publishing came to. */
export interface PublishedEvent {
  readonly id: string;
  readonly eventType: string;
  readonly timestamp: string;
  /**
   * True where the idempotency key was known: nothing new happened. That is also so where an earlier try of the same call
   * was accepted and only its answer was lost.
   */
  readonly duplicate: boolean;
  readonly idempotencyKey: string;
}

/** A published event with its deliveries. Times are ISO 8601, UTC. */
export interface Event {
  readonly id: string;
  readonly eventType: string;
  readonly timestamp: string;
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly createdAt: string;
  /** As `JSON.parse` reads it: whole numbers above 2^53 are rounded. Null once it is expunged. */
  readonly data: unknown;
  /** When data and metadata were taken away; null: they are as they were published. */
  readonly payloadExpungedAt: string | null;
  /** Whether its deliveries have been made. */
  readonly fannedOut: boolean;
  /** How many webhooks got it; null until it is fanned out. */
  readonly matchedWebhooks: number | null;
  /** The first of them: up to 100, in lists 10. `deliveries({ eventId })` goes through all. */
  readonly deliveries: readonly Delivery[];
}

/** Which events to list; all of them where nothing is given. */
export interface EventFilter extends PageFilter {
  readonly eventType?: string;
  readonly subject?: string;
  /** Published at or after. */
  readonly since?: Date | string;
  /** Published before. */
  readonly until?: Date | string;
}

export function eventQuery(filter: EventFilter): Record<string, string> {
  return queryOf({
    event_type: filter.eventType,
    subject: filter.subject,
    since: momentText(filter.since),
    until: momentText(filter.until),
    limit: filter.pageSize,
  });
}

/**
 * The JSON text of an event to publish, with `dataText` as it stands.
 *
 * @throws {SignpostError} `invalid_event` where there is no such text
 */
export function eventText(event: NewEvent, idempotencyKey: string): string {
  try {
    const dataText = event.dataText ?? JSON.stringify(event.data);
    if (dataText === undefined) throw new TypeError('data is not a JSON value');
    if (event.dataText !== undefined) checkDataText(event);
    const head = JSON.stringify({
      event_type: event.eventType,
      timestamp: momentText(event.timestamp),
      subject: event.subject,
      channels: event.channels,
      metadata: event.metadata,
      idempotency_key: idempotencyKey,
    });
    // The object is never empty: it has the idempotency key.
    return `${head.slice(0, -1)},"data":${dataText}}`;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be written as JSON';
    throw new SignpostError('invalid_event', `The event cannot be published: ${reason}`, { cause, idempotencyKey });
  }
}

/** Text that is not one JSON value could end the member `data` and begin others. */
function checkDataText(event: NewEvent): void {
  const { data, dataText = '' } = event;
  if (data !== undefined) throw new TypeError('data and dataText are both given');
  if (!dataText.isWellFormed()) throw new TypeError('dataText holds half a surrogate pair, which UTF-8 cannot say');
  if (!isJson(dataText)) throw new TypeError('dataText is not JSON');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function readPublishedEvent(fields: Fields, idempotencyKey: string): PublishedEvent {
  return {
    id: fields.text('id'),
    eventType: fields.text('event_type'),
    timestamp: fields.text('timestamp'),
    duplicate: fields.flag('duplicate'),
    idempotencyKey,
  };
}

export function readEvent(fields: Fields): Event {
  const metadata = fields.objectOrNull('metadata');
  return {
    id: fields.text('id'),
    eventType: fields.text('event_type'),
    timestamp: fields.text('timestamp'),
    subject: fields.textOrNull('subject'),
    channels: fields.texts('channels'),
    metadata: metadata && fields.freeObject('metadata'),
    createdAt: fields.text('created_at'),
    data: fields.value('data'),
    payloadExpungedAt: fields.textOrNull('payload_expunged_at'),
    fannedOut: fields.flag('fanned_out'),
    matchedWebhooks: fields.integerOrNull('matched_webhooks'),
    deliveries: fields.list('deliveries', readDelivery),
  };
}
