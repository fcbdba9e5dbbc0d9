import { operations } from '@signpost/api-schema';
import { formatId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { problem } from '../../errors/problem.ts';
import { valueRefused } from './value-refused.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { checkAgainstCatalogue } from './check-against-catalogue.ts';
import { chooseIdempotencyKey } from './idempotency-key.ts';
import { newEvent } from './new-event.ts';

export const publishEvent = ({ publisher, eventCatalogue, clock }: ApiDependencies) =>
  route(operations.publishEvent, async ({ workspace, headers, body, bodyText }) => {
    const chosen = chooseIdempotencyKey(headers['idempotency-key'], body.idempotency_key);
    if (chosen.kind === 'problem') return chosen;
    const event = newEvent(workspace, { body, text: bodyText, start: 0, idempotencyKey: chosen.key }, clock);
    const refusal = await checkAgainstCatalogue(eventCatalogue, workspace, body, {
      dataBytes: event.payload.length,
      place: 'body',
      suggest: true,
    });
    if (refusal !== null) return refusal;

    const stored = await publisher.publish(event);
    if (stored.kind === 'refused') return valueRefused('body');
    if (stored.kind === 'accepted')
      return answer(202, publishedBody(event.id, event.eventType, event.occurredAtMs, false));
    if (!stored.sameContent) return problem('idempotency_key_reused');
    return answer(200, publishedBody(stored.eventId, stored.eventType, stored.occurredAt.getTime(), true));
  });

function publishedBody(id: string, eventType: string, occurredAtMs: number, duplicate: boolean) {
  return {
    id: formatId('event', id),
    event_type: eventType,
    timestamp: new Date(occurredAtMs).toISOString(),
    duplicate,
  };
}
