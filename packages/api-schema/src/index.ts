export type { AgentBody } from './agent.ts';
export { type ApiKeyBody, createApiKeySchema } from './api-key.ts';
export type { AuditEntryBody } from './audit-log.ts';
export type { ContractBody, ContractSummaryBody, PreviewedRequestBody } from './contract.ts';
export { type AttemptBody, type DeliveryBody, maxShownAttempts } from './delivery.ts';
export {
  maxBatchBytes,
  maxBatchEvents,
  maxEventBytes,
  type PublishedBatchBody,
  type PublishedEventBody,
  type PublishEventBody,
  publishEventSchema,
} from './event.ts';
export { type EventTypeBody, maxEventTypeSchemaBytes } from './event-type.ts';
export type { JsonObject } from './fields.ts';
export { buildOpenApiDocument, type OpenApiDocument } from './openapi.ts';
export type { BodyItems, Operation, OperationResponse, OperationScope } from './operation.ts';
export { operations } from './operations.ts';
export type { ReadinessBody } from './operations/instance.ts';
export { type FieldError, type ProblemBody, problemSchema } from './problem.ts';
export { type ProblemCode, problemCodes, type ProblemKind } from './problem-codes.ts';
export type { TestResultBody, WebhookBody } from './webhook.ts';
export type { WorkspaceBody } from './workspace.ts';
