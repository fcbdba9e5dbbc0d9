import { z } from 'zod';
import { apiKeySchema, createApiKeySchema, createdApiKeySchema } from '../api-key.ts';
import { listOf, pageQuery, typeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';

const tag = 'API keys';

export const apiKeyOperations = {
  createApiKey: defineOperation({
    operationId: 'createApiKey',
    method: 'post',
    path: '/v1/api-keys',
    tag,
    summary: 'Create an API key',
    scope: 'admin',
    request: { body: createApiKeySchema },
    responses: { 201: { description: 'The key, with its secret: shown once.', schema: createdApiKeySchema } },
  }),
  listApiKeys: defineOperation({
    operationId: 'listApiKeys',
    method: 'get',
    path: '/v1/api-keys',
    tag,
    summary: 'List API keys',
    scope: 'admin',
    request: { query: z.strictObject(pageQuery) },
    responses: { 200: { description: 'Newest first, revoked ones included.', schema: listOf(apiKeySchema) } },
  }),
  revokeApiKey: defineOperation({
    operationId: 'revokeApiKey',
    method: 'delete',
    path: '/v1/api-keys/{id}',
    tag,
    summary: 'Revoke an API key',
    description: 'Takes effect at once here, and within a second in other API processes.',
    scope: 'admin',
    request: { params: z.object({ id: typeId('key', 'Id of the key.') }) },
    responses: { 204: { description: 'It is revoked.' } },
  }),
} as const;
