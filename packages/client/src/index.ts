export type { CallOptions } from './call.ts';
export {
  createSignpostClient,
  type DeliveryCalls,
  type EventCalls,
  type RotatedSecret,
  type SecretRotation,
  type SignpostClient,
  type TestSendOptions,
  type WebhookCalls,
} from './client.ts';
export type { SignpostClientOptions } from './connection.ts';
export type {
  Attempt,
  AttemptError,
  AttemptPhase,
  AttemptStatus,
  AttemptTrigger,
  Delivery,
  DeliveryFilter,
  DeliveryStatus,
  DeliveryWithAttempts,
  Receipt,
  TestResult,
} from './delivery.ts';
export {
  type ClientErrorCode,
  type FieldError,
  type ProblemCode,
  SignpostError,
  type SignpostErrorCode,
} from './errors.ts';
export type { Event, EventFilter, NewEvent, PublishedEvent } from './event.ts';
export {
  type AcceptedItem,
  type BatchItemResult,
  type RefusedItem,
  SignpostBatchError,
  type UnsettledItem,
} from './publish-batch.ts';
export type { CreatedWebhook, NewWebhook, Webhook, WebhookFilter, WebhookInput } from './webhook.ts';
