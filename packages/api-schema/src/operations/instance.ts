import { z } from 'zod';
import { defineOperation } from '../operation.ts';

const tag = 'Instance';

const readinessSchema = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    checks: z.record(z.string(), z.object({ status: z.enum(['up', 'down']), required: z.boolean() })),
  })
  .meta({ id: 'Readiness' });
export type ReadinessBody = z.infer<typeof readinessSchema>;

export const instanceOperations = {
  getLiveness: defineOperation({
    operationId: 'getLiveness',
    method: 'get',
    path: '/health/live',
    tag,
    summary: 'Whether the process runs',
    scope: null,
    request: {},
    responses: { 200: { description: 'It does.', schema: z.object({ status: z.literal('live') }) } },
  }),
  getReadiness: defineOperation({
    operationId: 'getReadiness',
    method: 'get',
    path: '/health/ready',
    tag,
    summary: 'Whether the API can do its work',
    description: 'Needs a Postgres that takes writes. Redis is reported alone: publishing works without it.',
    scope: null,
    request: {},
    responses: {
      200: { description: 'It can.', schema: readinessSchema },
      503: { description: 'It cannot.', schema: readinessSchema },
    },
  }),
  getMetrics: defineOperation({
    operationId: 'getMetrics',
    method: 'get',
    path: '/metrics',
    tag,
    summary: 'Metrics for Prometheus',
    description:
      'With `METRICS_OPEN=true` no key is needed. With `INTERNAL_PORT` they are there instead, without a key.',
    scope: 'instance',
    acrossWorkspaces: true,
    request: {},
    responses: { 200: { description: 'In text format.', contentType: 'text/plain', schema: z.string() } },
  }),
  getOpenApi: defineOperation({
    operationId: 'getOpenApi',
    method: 'get',
    path: '/openapi.json',
    tag,
    summary: 'This document',
    scope: null,
    request: {},
    responses: {
      200: { description: 'OpenAPI 3.1.', schema: z.custom<unknown>().meta({ override: { type: 'object' } }) },
    },
  }),
} as const;
