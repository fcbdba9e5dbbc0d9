import { z } from 'zod';
import { createEventTypeSchema, eventTypeSchema, updateEventTypeSchema } from '../event-type.ts';
import { eventTypeName, listOf, pageQuery } from '../fields.ts';
import { defineOperation } from '../operation.ts';

const tag = 'Event types';
const params = z.object({ name: eventTypeName });

export const eventTypeOperations = {
  createEventType: defineOperation({
    operationId: 'createEventType',
    method: 'post',
    path: '/v1/event-types',
    tag,
    summary: 'Create an event type',
    description:
      'A workspace without event types takes any well-formed name; one that has some refuses others, at subscribing and at publishing.',
    scope: 'admin',
    request: { body: createEventTypeSchema },
    responses: { 201: { description: 'The event type.', schema: eventTypeSchema } },
  }),
  listEventTypes: defineOperation({
    operationId: 'listEventTypes',
    method: 'get',
    path: '/v1/event-types',
    tag,
    summary: 'List event types',
    scope: 'read',
    request: { query: z.strictObject(pageQuery) },
    responses: { 200: { description: 'By name.', schema: listOf(eventTypeSchema) } },
  }),
  getEventType: defineOperation({
    operationId: 'getEventType',
    method: 'get',
    path: '/v1/event-types/{name}',
    tag,
    summary: 'Read an event type',
    scope: 'read',
    request: { params },
    responses: { 200: { description: 'The event type.', schema: eventTypeSchema } },
  }),
  updateEventType: defineOperation({
    operationId: 'updateEventType',
    method: 'patch',
    path: '/v1/event-types/{name}',
    tag,
    summary: 'Change an event type',
    description: 'null clears a field, a missing one stays.',
    scope: 'admin',
    request: { params, body: updateEventTypeSchema },
    responses: { 200: { description: 'The event type.', schema: eventTypeSchema } },
  }),
  deleteEventType: defineOperation({
    operationId: 'deleteEventType',
    method: 'delete',
    path: '/v1/event-types/{name}',
    tag,
    summary: 'Delete an event type',
    scope: 'admin',
    request: { params },
    responses: { 204: { description: 'It is gone.' } },
  }),
} as const;
