export { type Clock, createSteadyClock, type SteadyClock, systemClock } from './clock.ts';
export { DeadlineError, withDeadline } from './deadline.ts';
export { createEncryption, type Encryption, EncryptionError, isEncryptionKeys, type SealedText } from './encryption.ts';
export { deriveUuid, formatId, type IdKind, idPrefixes, makeUuid, parseId, uuidTimeMs } from './ids.ts';
export { type InternalServer, type InternalServerOptions, startInternalServer } from './internal-server.ts';
export { loadSettings } from './load-settings.ts';
export { createLogger, type Logger, logLevels } from './logging.ts';
export { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from './metrics.ts';
export { createMicroBatch, type MicroBatch, type MicroBatchOptions } from './micro-batch.ts';
export { checkReadiness, type Readiness, type ReadinessCheck } from './readiness.ts';
export { dataSecurityHeaders, pageSecurityHeaders } from './security-headers.ts';
export {
  hideValues,
  isSensitiveHeader,
  maskedValue,
  maskHeaders,
  maskSensitiveHeaders,
} from './sensitive-headers.ts';
export {
  describeSettings,
  readSettings,
  type Setting,
  type Settings,
  SettingsError,
  type SettingValues,
} from './settings.ts';
export { portSchema, sharedSettings } from './shared-settings.ts';
export { announceReady, type Closeable, createShutdown, type Shutdown } from './shutdown.ts';
