import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';
import { problemSchema } from './problem.ts';

/** An OpenAPI 3.1 document as plain JSON. */
export type OpenApiDocument = ReturnType<typeof createDocument>;

/** @param version of the software */
export function buildOpenApiDocument(version: string): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const operation of Object.values<Operation>(operations)) {
    const path = (paths[operation.path] ??= {});
    path[operation.method] = describeOperation(operation);
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Signpost',
        version,
        description: 'Publish an event once; every subscribed webhook gets it signed, retried and logged.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [...new Set(Object.values<Operation>(operations).map(operation => operation.tag))].map(name => ({ name })),
      paths,
      security: [{ key: [] }],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'The secret of a key (`sk_live_…`), or `KEY_ID:KEY_SECRET`.',
          },
        },
      },
    },
    { allowEmptySchema: { custom: true } },
  );
}

function describeOperation(operation: Operation): ZodOpenApiOperationObject {
  const { params, query, headers, body } = operation.request;
  return {
    operationId: operation.operationId,
    tags: [operation.tag],
    summary: operation.summary,
    description: [operation.description, describeScope(operation)].filter(Boolean).join('\n\n'),
    requestParams: {
      ...(params === undefined ? {} : { path: params }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { header: headers }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: { required: operation.bodyOptional !== true, content: { 'application/json': { schema: body } } },
        }),
    responses: describeResponses(operation),
    ...(operation.scope === null ? { security: [] } : {}),
  };
}

function describeScope({ scope }: Operation): string {
  if (scope === null) return '';
  return scope === 'instance' ? 'Needs the instance key.' : `Needs the scope \`${scope}\`.`;
}

function describeResponses(operation: Operation): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {};
  for (const [status, { description, schema, contentType = 'application/json' }] of Object.entries(operation.responses))
    responses[status as `${1 | 2 | 3 | 4 | 5}${string}`] = {
      description,
      ...(schema === undefined ? {} : { content: { [contentType]: { schema } } }),
    };
  if (operation.scope !== null)
    responses.default = {
      description: 'A problem.',
      content: { 'application/problem+json': { schema: problemSchema } },
    };
  return responses;
}
