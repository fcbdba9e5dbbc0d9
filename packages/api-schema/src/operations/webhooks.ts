import { z } from 'zod';
import { typeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import {
  createdWebhookSchema,
  createWebhookSchema,
  listWebhooksQuery,
  rotatedSecretSchema,
  rotateSecretSchema,
  testResultSchema,
  testWebhookSchema,
  updateWebhookSchema,
  webhookListSchema,
  webhookSchema,
} from '../webhook.ts';

const tag = 'Webhooks';
const params = z.object({ id: typeId('wh', 'Id of the webhook.') });

export const webhookOperations = {
  createWebhook: defineOperation({
    operationId: 'createWebhook',
    method: 'post',
    path: '/v1/webhooks',
    tag,
    summary: 'Create a webhook',
    scope: 'admin',
    request: { body: createWebhookSchema },
    responses: {
      201: { description: 'The webhook, with its signing secret: shown once.', schema: createdWebhookSchema },
    },
  }),
  listWebhooks: defineOperation({
    operationId: 'listWebhooks',
    method: 'get',
    path: '/v1/webhooks',
    tag,
    summary: 'List webhooks',
    scope: 'read',
    request: { query: listWebhooksQuery },
    responses: { 200: { description: 'Newest first.', schema: webhookListSchema } },
  }),
  getWebhook: defineOperation({
    operationId: 'getWebhook',
    method: 'get',
    path: '/v1/webhooks/{id}',
    tag,
    summary: 'Read a webhook',
    scope: 'read',
    request: { params },
    responses: { 200: { description: 'The webhook.', schema: webhookSchema } },
  }),
  updateWebhook: defineOperation({
    operationId: 'updateWebhook',
    method: 'patch',
    path: '/v1/webhooks/{id}',
    tag,
    summary: 'Change a webhook',
    description: 'null clears a field, a missing one stays. Deactivating cancels its pending deliveries.',
    scope: 'admin',
    request: { params, body: updateWebhookSchema },
    responses: { 200: { description: 'The webhook.', schema: webhookSchema } },
  }),
  deleteWebhook: defineOperation({
    operationId: 'deleteWebhook',
    method: 'delete',
    path: '/v1/webhooks/{id}',
    tag,
    summary: 'Delete a webhook',
    description: 'It is gone for good, its pending deliveries are cancelled.',
    scope: 'admin',
    request: { params },
    responses: { 204: { description: 'It is gone.' } },
  }),
  testWebhook: defineOperation({
    operationId: 'testWebhook',
    method: 'post',
    path: '/v1/webhooks/{id}/test',
    tag,
    summary: 'Send a test event',
    description:
      'Sends one synthetic event now and waits for the receiver; also when the webhook is inactive. Its data are realistic and follow the schema of the event type. It is never retried, and nothing in the request tells it from a real one.',
    scope: 'admin',
    request: { params, body: testWebhookSchema },
    responses: { 200: { description: 'What happened.', schema: testResultSchema } },
  }),
  rotateWebhookSecret: defineOperation({
    operationId: 'rotateWebhookSecret',
    method: 'post',
    path: '/v1/webhooks/{id}/rotate-secret',
    tag,
    summary: 'Rotate the signing secret',
    description:
      'The old secret signs, too, until the overlap ends. A contract that carries one signature has no overlap: the new secret signs alone from now on.',
    scope: 'admin',
    request: { params, body: rotateSecretSchema },
    bodyOptional: true,
    responses: { 200: { description: 'The new secret: shown once.', schema: rotatedSecretSchema } },
  }),
} as const;
