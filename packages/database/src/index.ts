export { type Database, type DatabaseOptions, openDatabase, readDatabaseClock } from './database.ts';
export { createWriteCheck } from './write-check.ts';
export { isDatabaseUnavailable, isInstallationFault, isValueRefused } from './unavailable.ts';
export { EventTypeLimitError, maxEventTypes, maxSchemaBytes } from './event-type-limits.ts';
export { type AuditAuthor, type AuditedChange, type AuditEntry, type AuditOf } from './audit-entry.ts';
export { type AuditFilter, listAuditEntries, type LoggedAuditEntry } from './audit-log.ts';
export { auditDatabase, type AuditOptions, type AuditReport } from './audit/audit.ts';
export type { AuditRules } from './audit/compare-window.ts';
export { type Finding, type FindingExample, type FindingKind, findingTexts } from './audit/findings.ts';
export { cancelDeliveries, cancelPendingDeliveries, deactivateWebhook, type DeactivatedWebhook } from './cancel.ts';
export {
  type DeliveryToAttempt,
  type EventContent,
  loadDeliveries,
  loadEventContents,
  loadWebhookTargets,
  type WebhookTarget,
  webhookSecretContext,
} from './deliver.ts';
export {
  type EventToFanOut,
  insertDeliveries,
  loadEventsToFanOut,
  loadSubscribedWebhooks,
  markFannedOut,
  type NewDelivery,
  type OrphanedEvent,
  postponeFanOuts,
  type SubscribedWebhook,
} from './fan-out.ts';
export { insertEvents, type NewEvent, type StoredEvent } from './publish.ts';
export { noteRetryAfter, type PutOffDelivery, putOffDeliveries } from './retry-after.ts';
export { noteUnseenAttempts, type UnseenAttempt } from './unseen-attempts.ts';
export { type AttemptRecord, recordAttempts, type RecordedStep, type RecordResult } from './record.ts';
export { type AttemptRow, recordBeside } from './record-beside.ts';
export {
  listOpenManualRetries,
  listPendingDeliveries,
  listUnfannedEvents,
  oldestDueAgeMs,
  oldestUnfannedAgeMs,
  type PendingCursor,
  type PendingDelivery,
  withRepairLock,
} from './repair.ts';
export {
  deleteExpiredAuditEntries,
  deleteExpiredIdempotencyKeys,
  dropExpiredDays,
  ensurePartitions,
  type ExpiredDays,
} from './retention.ts';
export {
  type ApiKey,
  type ApiKeyAccess,
  findApiKeyAccess,
  findWorkspaceAccess,
  insertApiKey,
  listApiKeys,
  type NewApiKey,
  revokeApiKey,
  type WorkspaceAccess,
} from './api-keys.ts';
export {
  type ContractChange,
  type ContractDeletion,
  type ContractReference,
  type ContractUser,
  deleteContract,
  findContract,
  findContractOfWebhook,
  findContractVersion,
  insertContract,
  insertContractVersion,
  listContracts,
  listContractUsers,
  type StoredContract,
} from './contracts.ts';
export type { CatalogueEntry } from './workspace-catalogue.ts';
export {
  changeWorkspace,
  deleteWorkspace,
  ensureWorkspace,
  findWorkspace,
  insertWorkspace,
  listWorkspaces,
  type MadeWorkspace,
  type NewWorkspace,
  type Workspace,
  type WorkspaceChange,
  type WorkspaceChanges,
} from './workspaces.ts';
export {
  type CatalogueRows,
  deleteEventType,
  type EventType,
  type EventTypeChange,
  type EventTypeFields,
  findEventType,
  insertEventType,
  listEventTypes,
  loadCatalogue,
  updateEventType,
} from './event-types.ts';
export {
  changeWebhook,
  deleteWebhook,
  findBoundWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  type NewWebhook,
  type Webhook,
  type WebhookChange,
  type WebhookDecision,
  type WebhookFilter,
  type WebhookSettings,
} from './webhooks.ts';
export { type NewWebhookSecret, type SigningSecret } from './webhook-secrets.ts';
export { rotateWebhookSecret, type RotationDecision } from './rotate-secret.ts';
export {
  countSecretsByKey,
  listStoredSecrets,
  type ResealedSecret,
  replaceSealedSecrets,
  type StoredSecret,
} from './rotate-encryption-key.ts';
export { idRange, type IdRange } from './id-range.ts';
export type { PageRequest, PageRows, PageStart } from './page.ts';
export {
  countAttemptsBefore,
  type DeliveryFilter,
  type DeliveryWithSource,
  findDelivery,
  listAttempts,
  listDeliveries,
  type LoggedAttempt,
  type LoggedDelivery,
} from './delivery-log.ts';
export {
  type DeliveriesOfEvent,
  type EventFilter,
  findEvent,
  listDeliveriesOfEvents,
  listEvents,
  type LoggedEvent,
} from './event-log.ts';
export { type ExpungedPayload, expungePayload } from './expunge-payload.ts';
export { type ManualRetryResult, requestManualRetry } from './manual-retry.ts';
export { insertTestSend, type NewTestSend, readTestSend, type TestSendState } from './test-send.ts';
