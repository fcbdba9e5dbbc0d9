import { createWriteCheck, type Database, oldestDueAgeMs, oldestUnfannedAgeMs, openDatabase } from '@signpost/database';
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
import { maintain } from './maintenance.ts';
import { type Rounds, startRounds } from './rounds.ts';
import { createUnseenAttempts } from './unseen-attempts.ts';
import { createWebhookTargets } from './webhook-targets.ts';
import { startWorkers, type Workers } from './workers.ts';

/** Beyond the grace for attempts, closing takes no longer than this, in ms, whatever hangs. */
const closeMarginMs = 8000;
/** What a store that hangs may hold up, in ms: nothing that is worth waiting for is under way in it by then. */
const closeTimeoutMs = 1500;
const maintenanceIntervalMs = 10 * 60_000;
const clockIntervalMs = 5000;

const readWallClockMs = Date.now;
const clock = createSteadyClock(readWallClockMs());
// Not for our own code, which takes a Clock, but for BullMQ, which does not: see DatabaseClock.
Date.now = () => clock.nowMs();

const config = loadSettings('Signpost dispatcher', dispatcherSettings);
const logger = createLogger('dispatcher', config.LOG_LEVEL);
const shutdown = createShutdown({ logger, graceMs: config.STOP_GRACE_MS + closeMarginMs });
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
  shutdown.add({ name: 'database', timeoutMs: closeTimeoutMs, close: () => database.close() });
  const producer = createJobProducer({
    redisUrl: config.REDIS_URL,
    onError: error => logger.debug({ error }, 'connection to Redis broke'),
  });
  shutdown.add({ name: 'queues', close: () => producer.close() });
  // Never closed: idle connections, and attempts that have had their grace, end with the process.
  const transport = createTransport({
    // As many as attempts: one that waited for a connection of ours would use up a deadline that is the receiver's.
    connectionsPerOrigin: config.DISPATCHER_CONCURRENCY,
    policy: createAddressPolicy({
      allowHttp: config.ALLOW_HTTP_URLS,
      allowedPrivateRanges: config.ALLOWED_PRIVATE_RANGES.split(',').flatMap(range => range.trim() || []),
    }),
  });

  const databaseClock = createDatabaseClock({ database, clock, readWallClockMs, logger });
  const clockRounds = startRounds('clock', clockIntervalMs, logger, () => databaseClock.synchronize());
  shutdown.add({ name: 'clock', timeoutMs: closeTimeoutMs, close: () => clockRounds.stop() });
  await clockRounds.first;

  const counts = createCounts();
  const metrics = createMetrics(counts, {
    hostClockOffset: () => databaseClock.hostOffsetMs() / 1000,
    oldestDue: async () => (await oldestDueAgeMs(database)) / 1000,
    oldestUnfanned: async () => (await oldestUnfannedAgeMs(database)) / 1000,
  });
  const internalPort = await serveInternally(config, database, producer, metrics, shutdown);
  const workers = startPipeline({ config, logger, database, producer, transport, counts, metrics });
  const rounds = startRepairAndMaintenance({ config, logger, database, producer, counts });
  shutdown.add({
    name: 'work',
    timeoutMs: config.STOP_GRACE_MS + closeTimeoutMs,
    // At once: the workers take nothing new from the first moment, and a repairer at work adds nothing meanwhile.
    close: () => Promise.all([workers.close(config.STOP_GRACE_MS), ...rounds.map(each => each.stop())]),
  });
  logger.info({ concurrency: config.DISPATCHER_CONCURRENCY, internal_port: internalPort }, 'dispatcher.ready');
  announceReady({ internalPort });
}

function startRepairAndMaintenance({
  config,
  logger,
  database,
  producer,
  counts,
}: Omit<PipelineParts, 'transport' | 'metrics'>): readonly Rounds[] {
  const repairer = createRepairer({
    database,
    producer,
    counts,
    clock,
    logger,
    graceMs: { event: 2000, delivery: config.LEASE_MS },
  });
  return [
    startRounds('repair', config.REPAIR_INTERVAL_MS, logger, signal => repairer.run(signal)),
    startRounds('maintenance', maintenanceIntervalMs, logger, signal => maintain({ database, config, logger, signal })),
  ];
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
    { name: 'postgres', required: true, check: createWriteCheck(database) },
    { name: 'redis', required: true, check: () => producer.checkWritable() },
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
  readonly database: Database;
  readonly producer: JobProducer;
  readonly transport: Transport;
  readonly counts: DispatcherCounts;
  readonly metrics: DispatcherMetrics;
}

function startPipeline({ config, logger, database, producer, transport, counts, metrics }: PipelineParts): Workers {
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
  return startWorkers({
    redisUrl: config.REDIS_URL,
    concurrency: config.DISPATCHER_CONCURRENCY,
    leaseMs: config.LEASE_MS,
    deliverJob: createDeliverJob({ deliver, database, insist, unseenAttempts, logger }),
    fanOut: createFanOut({ database, producer, counts, logger }),
    logger,
  });
}
