import { setTimeout as delay } from 'node:timers/promises';
import { operations, type TestResultBody } from '@signpost/api-schema';
import {
  cancelDeliveries,
  type Database,
  findWebhook,
  insertTestSend,
  readTestSend,
  type TestSendState,
} from '@signpost/database';
import { deriveUuid, formatId, makeUuid, parseId } from '@signpost/runtime';
import { fieldsOf } from '../../audit/audit-changes.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { schemasRest } from '../../event-catalogue/schemas-rest.ts';
import { invalidField, notFound, type Problem, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { makeSyntheticData } from './synthetic-event.ts';
import { unknownEventType } from './webhook-rules.ts';

/** How long a dispatcher may take to begin and to record, beyond the deadline of the attempt itself, in ms. */
const marginMs = 5000;

export const testWebhook = ({ database, clock, producer, contracts, eventCatalogue }: ApiDependencies) =>
  route(operations.testWebhook, async ({ workspace, params, body, audit, logger }) => {
    const { workspaceId, catalogueRevision } = workspace;
    const id = parseId('webhook', params.id);
    const webhook = id === null ? null : await findWebhook(database, workspaceId, id);
    if (webhook === null) return notFound();
    const { event_type: eventType } = body;
    const known = await eventCatalogue.checkPatterns(workspaceId, catalogueRevision, [eventType]);
    if (known.kind !== 'accepted') return unknownEventType('body.event_type', known.nearest);
    const contract = (await contracts.load(workspace, [webhook.contract]))(webhook.contract);
    if (contract === null) return invalidField('body', 'needs a webhook whose contract exists');

    const nowMs = clock.nowMs();
    const eventId = makeUuid(nowMs);
    const deliveryId = deriveUuid(eventId, webhook.id);
    const time = eventCatalogue.timeOf(workspaceId);
    const data = await makeSyntheticData(database, { workspaceId, contract, eventType, time, seed: body.seed, nowMs });
    if (data.kind === 'resting') return schemasRest(data.restMs);
    if (data.kind === 'impossible') return noData(eventType);
    const send = {
      eventId,
      deliveryId,
      workspaceId,
      webhookId: webhook.id,
      eventType,
      occurredAtMs: nowMs,
      payload: data.text,
    };
    const stored = await insertTestSend(database, send, () =>
      audit({
        action: 'webhook.tested',
        workspaceId,
        resourceId: params.id,
        changes: fieldsOf({ event_type: eventType, delivery_id: formatId('delivery', deliveryId) }),
      }),
    );
    if (!stored) return notFound();
    try {
      await producer.enqueueAttemptNow(deliveryId, 'test');
    } catch (error) {
      logger.warn({ error, delivery_id: deliveryId }, 'test send not enqueued');
      await cancelDeliveries(database, [deliveryId]);
      return notSent('The queue cannot be reached for now, so the test event was not sent.');
    }
    const timeoutMs = (webhook.timeoutMs ?? contract.timeoutMs) + marginMs;
    const made = await waitForAttempt(database, deliveryId, timeoutMs);
    if (made !== null) return answer(200, resultBody(deliveryId, made));
    return notSent(
      `No result came within ${timeoutMs / 1000} s, so the test event was cancelled. Check that a dispatcher is running.`,
    );
  });

function noData(eventType: string): Problem {
  const path = 'body.event_type';
  const message = `no data could be made that follow the schema of ${eventType}; give the event type an example that does`;
  return problem('event_data_invalid', `${path}: ${message}`, { errors: [{ path, message }] });
}

function notSent(detail: string): Problem {
  return problem('test_not_sent', detail, { headers: { 'retry-after': '2' } });
}

/**
 * Asks until the attempt is recorded. One that is not made in time is cancelled: nobody waits for it any more.
 *
 * @returns null where it was cancelled
 */
async function waitForAttempt(
  database: Database,
  deliveryId: string,
  timeoutMs: number,
): Promise<TestSendState | null> {
  const startedMs = performance.now();
  for (;;) {
    const state = await readTestSend(database, deliveryId);
    if (state === null || state.status !== 'pending') return madeOrNull(state);
    const waitedMs = performance.now() - startedMs;
    if (waitedMs >= timeoutMs) break;
    // Most receivers answer within milliseconds; the slow ones are not asked after fifty times a second.
    await delay(Math.min(Math.max(waitedMs / 10, 20), 200));
  }
  await cancelDeliveries(database, [deliveryId]);
  // The result may have come at the last moment, before the cancellation.
  return madeOrNull(await readTestSend(database, deliveryId));
}

function madeOrNull(state: TestSendState | null): TestSendState | null {
  return state === null || state.attemptStatus === null ? null : state;
}

function resultBody(deliveryId: string, made: TestSendState): TestResultBody {
  const { attemptStatus, responseCode, durationMs, errorCode, errorMessage } = made;
  return {
    delivery_id: formatId('delivery', deliveryId),
    status: attemptStatus === 'succeeded' ? 'success' : 'failed',
    response_code: responseCode,
    response_time_ms: durationMs,
    ...(errorCode === null ? {} : { error: { code: errorCode, message: errorMessage ?? '' } }),
  };
}
