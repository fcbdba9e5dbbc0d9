export { type AttemptError, type AttemptErrorCode, attemptErrors } from './attempt-errors.ts';
export {
  type AuditAction,
  auditActions,
  type AuditActorType,
  auditActorTypes,
  auditResourceOf,
  type AuditResourceType,
  auditResourceTypes,
} from './audit.ts';
export {
  isEventType,
  isEventTypePattern,
  isFromBefore,
  matchesEventType,
  matchesSubscription,
  maxEventTypeLength,
  type RoutedEvent,
  type Subscription,
} from './matching.ts';
export { type AttemptContext, decideNextStep, type NextStep } from './next-step.ts';
export {
  type AttemptOutcome,
  type AttemptPhase,
  attemptPhases,
  type AttemptTimings,
  type NoResponseOutcome,
  noTimings,
  type Receipt,
  receiptOf,
  receipts,
  type ResponseOutcome,
} from './outcome.ts';
export {
  defaultRetryScheduleSeconds,
  maxRetryAfterMs,
  nextRetryDelayMs,
  parseRetryAfterMs,
} from './retry-schedule.ts';
export { shownLocation, shownRefresh } from './shown-location.ts';
export {
  type ApiKeyScope,
  apiKeyScopes,
  type AttemptStatus,
  attemptStatuses,
  type AttemptTrigger,
  attemptTriggers,
  type DeliveryStatus,
  deliveryStatuses,
} from './statuses.ts';
