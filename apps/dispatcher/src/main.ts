import {
  type Database,
  deleteExpiredAuditEntries,
  deleteExpiredIdempotencyKeys,
  dropExpiredPartitions,
  ensurePartitions,
  oldestDueAgeMs,
  oldestUnfannedAgeMs,
  openDatabase,
  pingDatabase,
} from '@signpost/database';
import { checkRedisAtStart, createJobProducer, type JobProducer } from '@signpost/queue';
import {
  announceReady,
  createEncryption,
  createLogger,
  createShutdown,
  createSteadyClock,
  loadSettings,
  type Logger,
  type Shutdown,
  startInternalServer,
} from '@signpost/runtime';
import { createAddressPolicy, createTransport, type Transport } from '@signpost/transport';
import { createAttemptRecorder } from './attempt-recorder.ts';
import { type DispatcherConfig, dispatcherSettings } from './config.ts';
import { createDatabaseClock } from './database-clock.ts';
import { createDeliver } from './deliver.ts';
import { createDeliverJob } from './deliver-job.ts';
import { createDeliveryContracts } from './delivery-contracts.ts';
import { createCounts, createMetrics, type DispatcherCounts, type DispatcherMetrics } from './dispatcher-metrics.ts';
import { createEventContents } from './event-contents.ts';
import { createFanOut } from './fan-out.ts';
import { createInsist } from './insist.ts';
import { createRepairer } from './repair.ts';
import { createRetryAfter } from './retry-after.ts';
import { startRounds } from './rounds.ts';
import { createUnseenAttempts } from './unseen-attempts.ts';
import { createWebhookTargets } from './webhook-targets.ts';
import { startWorkers } from './workers.ts';

/** Attempts end by their own deadlines; 30 s is the longest that a webhook may ask for. */
const closeGraceMs = 31_000;
const maintenanceIntervalMs = 10 * 60_000;
const partitionDaysAhead = 7;
const clockIntervalMs = 5000;

const readWallClockMs = Date.now;
const clock = createSteadyClock(readWallClockMs());
// Not for our own code, which takes a Clock, but for BullMQ, which does not: see DatabaseClock.
Date.now = () => clock.nowMs();

const config = loadSettings('Signpost dispatcher', dispatcherSettings);
const logger = createLogger('dispatcher', config.LOG_LEVEL);
const shutdown = createShutdown({ logger, graceMs: closeGraceMs + 5000 });
try {
  await start(config, logger, shutdown);
} catch (error) {
  logger.fatal({ error }, 'cannot start');
  shutdown.stop('cannot start', 1);
}

async function start(config: DispatcherConfig, logger: Logger, shutdown: Shutdown): Promise<void> {
  await checkRedisAtStart(config.REDIS_URL, config.NODE_ENV === 'production', logger);
  const database = openDatabase({
    url: config.DATABASE_URL,
    maxConnections: 3,
    maxHotConnections: config.DATABASE_CONNECTIONS,
    onConnectionError: error => logger.warn({ error }, 'connection to Postgres broke'),
  });
  shutdown.add({ name: 'database', close: () => database.close() });
  const producer = createJobProducer({
    redisUrl: config.REDIS_URL,
    onError: error => logger.debug({ error }, 'connection to Redis broke'),
  });
  shutdown.add({ name: 'queues', close: () => producer.close() });
  const transport = createTransport({
    // As many as attempts: one that waited for a connection of ours would use up a deadline that is the receiver's.
    connectionsPerOrigin: config.DISPATCHER_CONCURRENCY,
    policy: createAddressPolicy({
      allowHttp: config.ALLOW_HTTP_URLS,
      allowedPrivateRanges: config.ALLOWED_PRIVATE_RANGES.split(',').flatMap(range => range.trim() || []),
    }),
  });
  shutdown.add({ name: 'transport', close: () => transport.close() });

  const databaseClock = createDatabaseClock({ database, clock, readWallClockMs, logger });
  const clockRounds = startRounds('clock', clockIntervalMs, logger, () => databaseClock.synchronize());
  shutdown.add({ name: 'clock', close: () => clockRounds.stop() });
  await clockRounds.first;

  const counts = createCounts();
  const metrics = createMetrics(counts, {
    hostClockOffset: () => databaseClock.hostOffsetMs() / 1000,
    oldestDue: async () => (await oldestDueAgeMs(database)) / 1000,
    oldestUnfanned: async () => (await oldestUnfannedAgeMs(database)) / 1000,
  });
  startPipeline({ config, logger, shutdown, database, producer, transport, counts, metrics });

  const repairer = createRepairer({
    database,
    producer,
    counts,
    clock,
    logger,
    graceMs: { event: 2000, delivery: config.LEASE_MS },
  });
  const repair = startRounds('repair', config.REPAIR_INTERVAL_MS, logger, () => repairer.run());
  shutdown.add({ name: 'repair', close: () => repair.stop() });
  const maintenance = startRounds('maintenance', maintenanceIntervalMs, logger, () =>
    maintain(database, config, logger),
  );
  shutdown.add({ name: 'maintenance', close: () => maintenance.stop() });

  const internalPort = await serveInternally(config, database, producer, metrics, shutdown);
  logger.info({ concurrency: config.DISPATCHER_CONCURRENCY, internal_port: internalPort }, 'dispatcher.ready');
  announceReady({ internalPort });
}

/** @returns the port; undefined: none was asked for */
async function serveInternally(
  config: DispatcherConfig,
  database: Database,
  producer: JobProducer,
  { registry }: DispatcherMetrics,
  shutdown: Shutdown,
): Promise<number | undefined> {
  if (config.INTERNAL_PORT === undefined) return undefined;
  const checks = [
    { name: 'postgres', required: true, check: () => pingDatabase(database) },
    { name: 'redis', required: true, check: () => producer.depth('deliver') },
  ];
  const server = await startInternalServer({
    port: config.INTERNAL_PORT,
    host: config.INTERNAL_HOST,
    registry,
    checks,
  });
  shutdown.add({ name: 'internal server', close: () => server.close() });
  return server.port;
}

interface PipelineParts {
  readonly config: DispatcherConfig;
  readonly logger: Logger;
  readonly shutdown: Shutdown;
  readonly database: Database;
  readonly producer: JobProducer;
  readonly transport: Transport;
  readonly counts: DispatcherCounts;
  readonly metrics: DispatcherMetrics;
}

function startPipeline({
  config,
  logger,
  shutdown,
  database,
  producer,
  transport,
  counts,
  metrics,
}: PipelineParts): void {
  const insist = createInsist(logger);
  const unseenAttempts = createUnseenAttempts({ database, counts, logger });
  const deliver = createDeliver({
    database,
    transport,
    counts,
    logger,
    unseenAttempts,
    retryAfter: createRetryAfter({ database, counts, logger, random: Math.random }),
    isRunning: (deliveryId, trigger) => producer.isRunning(deliveryId, trigger),
    insist,
    recorder: createAttemptRecorder({ database, insist }),
    eventContents: createEventContents(database),
    deliveryContracts: createDeliveryContracts(database),
    webhookTargets: createWebhookTargets(database, createEncryption(config.ENCRYPTION_KEY)),
    clock,
    random: Math.random,
    observeAttemptSeconds: seconds => metrics.observeAttemptSeconds(seconds),
  });
  const workers = startWorkers({
    redisUrl: config.REDIS_URL,
    concurrency: config.DISPATCHER_CONCURRENCY,
    leaseMs: config.LEASE_MS,
    deliverJob: createDeliverJob({ deliver, database, insist, unseenAttempts, logger }),
    fanOut: createFanOut({ database, producer, counts, logger }),
    logger,
  });
  shutdown.add({ name: 'workers', close: () => workers.close(closeGraceMs) });
}

async function maintain(database: Database, config: DispatcherConfig, logger: Logger): Promise<void> {
  const daysPostponed = await ensurePartitions(database, partitionDaysAhead);
  const { dropped, postponed } = await dropExpiredPartitions(database, config.RETENTION_DAYS);
  const forgotten = await deleteExpiredIdempotencyKeys(database, config.IDEMPOTENCY_HOURS);
  const forgottenEntries = await deleteExpiredAuditEntries(database, config.AUDIT_LOG_DAYS);
  if (dropped.length > 0 || forgotten > 0 || forgottenEntries > 0)
    logger.info({ dropped, forgotten_keys: forgotten, forgotten_audit_entries: forgottenEntries }, 'retention.applied');
  // Somebody reads for long, a report or a dump: nobody waits behind it, and the next round tries again.
  if (postponed.length > 0 || daysPostponed > 0)
    logger.warn({ postponed, days_postponed: daysPostponed }, 'partitions are in use; the next round tries again');
}
