import { z } from 'zod';
import {
  eventListSchema,
  eventSchema,
  idempotencyKey,
  listEventsQuery,
  maxBatchBytes,
  maxBatchEvents,
  maxEventBytes,
  publishBatchSchema,
  publishedBatchSchema,
  publishedEventSchema,
  publishEventSchema,
} from '../event.ts';
import { typeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';

const tag = 'Events';
const params = z.object({ id: typeId('evt', 'Id of the event.') });

export const eventOperations = {
  publishEvent: defineOperation({
    operationId: 'publishEvent',
    method: 'post',
    path: '/v1/events',
    tag,
    summary: 'Publish an event',
    description:
      'The answer means that the event is stored for good. With an idempotency key, in the body or in the header, a repeat gives the first event.',
    scope: 'publish',
    request: {
      headers: z.object({ 'idempotency-key': idempotencyKey.optional() }),
      body: publishEventSchema,
    },
    maxBodyBytes: maxEventBytes,
    responses: {
      200: { description: 'A repeat: the first event.', schema: publishedEventSchema },
      202: { description: 'Accepted.', schema: publishedEventSchema },
    },
  }),
  publishBatch: defineOperation({
    operationId: 'publishBatch',
    method: 'post',
    path: '/v1/events/batch',
    tag,
    summary: 'Publish up to 1000 events',
    description: 'Good events are accepted, bad ones say why.',
    scope: 'publish',
    request: {
      headers: z.object({
        'idempotency-key': z.never('must not be sent with a batch: give each event its own key').optional(),
      }),
      body: publishBatchSchema,
    },
    maxBodyBytes: maxBatchBytes,
    // Two levels around each event: what is accepted alone is accepted in a batch.
    maxBodyDepth: 66,
    bodyItems: { member: 'events', max: maxBatchEvents, maxItemBytes: maxEventBytes },
    responses: { 202: { description: 'What became of each.', schema: publishedBatchSchema } },
  }),
  listEvents: defineOperation({
    operationId: 'listEvents',
    method: 'get',
    path: '/v1/events',
    tag,
    summary: 'List events',
    scope: 'read',
    request: { query: listEventsQuery },
    responses: { 200: { description: 'Newest first.', schema: eventListSchema } },
  }),
  getEvent: defineOperation({
    operationId: 'getEvent',
    method: 'get',
    path: '/v1/events/{id}',
    tag,
    summary: 'Read an event with its deliveries',
    scope: 'read',
    request: { params },
    responses: { 200: { description: 'The event.', schema: eventSchema } },
  }),
  expungeEventPayload: defineOperation({
    operationId: 'expungeEventPayload',
    method: 'delete',
    path: '/v1/events/{id}/payload',
    tag,
    summary: 'Expunge the payload of an event',
    description:
      'For data that should not have been published. `data` and `metadata` are gone for good, and with them the headers of the attempts and all that receivers answered but the codes. Pending deliveries are cancelled, and no attempt begins any more; one that is under way may still arrive. The event, its `subject` and its idempotency key stay: publishing it again gives the event without its payload. Repeating the call changes nothing.',
    scope: 'admin',
    request: { params },
    responses: { 204: { description: 'It is gone.' } },
  }),
} as const;
