import type { DeliveriesOfEvent, LoggedEvent } from '@signpost/database';
import { formatId } from '@signpost/runtime';
import { deliveryBody } from '../deliveries/delivery-body.ts';

/**
 * The JSON text of an event. `data` and `metadata` stand in it as they were published, byte for byte: parsed and written
 * again, numbers would change and duplicate names vanish.
 *
 * @param found its deliveries; undefined: there are none
 */
export function eventText(event: LoggedEvent, found: DeliveriesOfEvent | undefined): string {
  const deliveries = found?.deliveries ?? [];
  const members = {
    id: JSON.stringify(formatId('event', event.id)),
    event_type: JSON.stringify(event.eventType),
    timestamp: JSON.stringify(event.occurredAt),
    subject: JSON.stringify(event.subject),
    channels: JSON.stringify(event.channels),
    metadata: event.metadata ?? 'null',
    data: event.payload ?? 'null',
    payload_expunged_at: JSON.stringify(event.payloadExpungedAt),
    created_at: JSON.stringify(event.createdAt),
    fanned_out: JSON.stringify(event.fannedOut),
    matched_webhooks: JSON.stringify(event.fannedOut ? (found?.total ?? 0) : null),
    deliveries: JSON.stringify(deliveries.map(deliveryBody)),
  };
  return `{${Object.entries(members)
    .map(([name, text]) => `"${name}":${text}`)
    .join(',')}}`;
}

export const jsonContentType = 'application/json; charset=utf-8';
