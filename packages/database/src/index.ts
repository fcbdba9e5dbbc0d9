export { type Database, type DatabaseOptions, openDatabase, pingDatabase } from './database.ts';
export { isDatabaseUnavailable } from './unavailable.ts';
export { cancelDeliveries, cancelPendingDeliveries, deactivateWebhook } from './cancel.ts';
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
  type SubscribedWebhook,
} from './fan-out.ts';
export { insertEvents, type NewEvent, type StoredEvent } from './publish.ts';
export { type AttemptRecord, recordAttempts, type RecordedStep, type RecordResult } from './record.ts';
export {
  listOpenManualRetries,
  listPendingDeliveries,
  listUnfannedEvents,
  oldestDueAgeMs,
  type PendingCursor,
  type PendingDelivery,
  withRepairLock,
} from './repair.ts';
export { deleteExpiredIdempotencyKeys, dropExpiredPartitions, ensurePartitions } from './retention.ts';
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
  deleteWorkspace,
  ensureWorkspace,
  findWorkspace,
  insertWorkspace,
  listWorkspaces,
  type NewWorkspace,
  type PageById,
  type Workspace,
} from './workspaces.ts';
export {
  type CatalogueRows,
  deleteEventType,
  type EventType,
  type EventTypeFields,
  findEventType,
  insertEventType,
  listEventTypes,
  loadCatalogue,
  type PageByName,
  updateEventType,
} from './event-types.ts';
