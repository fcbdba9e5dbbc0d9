import { readFileSync } from 'node:fs';
import { createWriteCheck, openDatabase } from '@signpost/database';
import { checkRedisAtStart, createJobProducer } from '@signpost/queue';
import {
  announceReady,
  collectDefaultMetrics,
  createEncryption,
  createLogger,
  createShutdown,
  loadSettings,
  type Logger,
  Registry,
  type Shutdown,
  startInternalServer,
  systemClock,
} from '@signpost/runtime';
import { createAddressPolicy } from '@signpost/transport';
import { createAccessRegistry } from './access/access-registry.ts';
import { createClientAddressFinder } from './access/client-address.ts';
import { createLoopGuard } from './access/loop-guard.ts';
import { apiRoutes, createApp } from './app.ts';
import { startBootstrap } from './bootstrap.ts';
import { type ApiConfig, apiSettings, findConfigFault, listenAddress } from './config.ts';
import { createContractRegistry } from './contracts/contract-registry.ts';
import type { ApiDependencies } from './dependencies.ts';
import { createEventCatalogue } from './event-catalogue/event-catalogue.ts';
import { startHttpServer } from './http-server.ts';
import { createRateLimiter } from './middleware/rate-limit.ts';
import { createRequestMetrics } from './middleware/request-metrics.ts';
import { createFanOutHandOver } from './publishing/fan-out-hand-over.ts';
import { createPublisher } from './publishing/publisher.ts';
import { healthRoutes } from './routes/health/index.ts';
import { metricsRoutes } from './routes/metrics/index.ts';
import { addQueueMetrics } from './routes/metrics/queue-metrics.ts';
import { openApiRoutes } from './routes/openapi/index.ts';

const title = 'Signpost API';
const closeGraceMs = 20_000;

const config = loadSettings(title, apiSettings);
const fault = findConfigFault(config);
if (fault !== null) {
  process.stderr.write(`${title}: cannot start.\n${fault}\n`);
  process.exit(1);
}
const logger = createLogger('api', config.LOG_LEVEL);
const shutdown = createShutdown({ logger, graceMs: closeGraceMs });
try {
  await start(config, logger, shutdown);
} catch (error) {
  logger.fatal({ error }, 'cannot start');
  shutdown.stop('cannot start', 1);
}

async function start(config: ApiConfig, logger: Logger, shutdown: Shutdown): Promise<void> {
  await checkRedisAtStart(config.REDIS_URL, config.NODE_ENV === 'production', logger);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const dependencies = openDependencies(config, registry, logger, shutdown);
  addQueueMetrics(registry, dependencies.producer);
  const ports = await serve(config, registry, dependencies, shutdown);
  if (config.SIGNPOST_API_KEY !== undefined) {
    const onDone = (): void => dependencies.access.forget();
    const bootstrap = startBootstrap({ ...dependencies, secret: config.SIGNPOST_API_KEY, onDone });
    shutdown.add({ name: 'bootstrap', close: () => bootstrap.stop() });
    await bootstrap.firstTry;
  }
  announceReady(ports);
}

/** Opens what the routes work with, and has it closed in reverse order. */
function openDependencies(config: ApiConfig, registry: Registry, logger: Logger, shutdown: Shutdown): ApiDependencies {
  const encryption = createEncryption(config.ENCRYPTION_KEY);
  const database = openDatabase({
    url: config.DATABASE_URL,
    maxConnections: 8,
    maxHotConnections: 4,
    onConnectionError: error => logger.warn({ error }, 'connection to Postgres broke'),
  });
  shutdown.add({ name: 'database', close: () => database.close() });
  const producer = createJobProducer({
    redisUrl: config.REDIS_URL,
    onError: error => logger.debug({ error }, 'connection to Redis broke'),
  });
  shutdown.add({ name: 'queues', close: () => producer.close() });
  const publisher = createPublisher({ database, handOver: createFanOutHandOver({ producer, logger }), logger });
  shutdown.add({ name: 'publisher', close: () => publisher.close() });
  return {
    database,
    producer,
    publisher,
    encryption,
    loopGuard: createLoopGuard(encryption.installationIds),
    addressPolicy: createAddressPolicy({
      allowHttp: config.ALLOW_HTTP_URLS,
      allowedPrivateRanges: config.ALLOWED_PRIVATE_RANGES.split(',').flatMap(range => range.trim() || []),
    }),
    production: config.NODE_ENV === 'production',
    access: createAccessRegistry({ database, clock: systemClock, adminApiKey: config.ADMIN_API_KEY ?? null }),
    findClientAddress: createClientAddressFinder(config.TRUSTED_PROXIES),
    contracts: createContractRegistry(database),
    eventCatalogue: createEventCatalogue(database),
    rateLimiter: createRateLimiter({ perMinute: config.RATE_LIMIT_PER_MINUTE, clock: systemClock }),
    metrics: createRequestMetrics(registry),
    clock: systemClock,
    logger,
  };
}

async function serve(
  config: ApiConfig,
  registry: Registry,
  dependencies: ApiDependencies,
  shutdown: Shutdown,
): Promise<{ readonly port: number; readonly internalPort: number | undefined }> {
  const { database, producer } = dependencies;
  const checks = [
    { name: 'postgres', required: true, check: createWriteCheck(database) },
    // Publishing works without it: the repairer enqueues what it missed.
    { name: 'redis', required: false, check: () => producer.checkWritable() },
  ];
  const { INTERNAL_PORT, INTERNAL_HOST } = config;
  let internalPort: number | undefined;
  if (INTERNAL_PORT !== undefined) {
    const internal = await startInternalServer({ port: INTERNAL_PORT, host: INTERNAL_HOST, registry, checks });
    shutdown.add({ name: 'internal server', close: () => internal.close() });
    internalPort = internal.port;
  }
  const host = listenAddress(config);
  const app = createApp(dependencies, [
    ...apiRoutes(dependencies),
    ...openApiRoutes(readVersion()),
    ...healthRoutes(checks),
    ...(INTERNAL_PORT === undefined ? metricsRoutes(registry, config.METRICS_OPEN) : []),
  ]);
  const server = await startHttpServer(app, config.PORT, host, dependencies.logger);
  shutdown.add({ name: 'server', close: () => server.close() });
  dependencies.logger.info({ host, port: server.port, internal_port: internalPort }, 'api.listening');
  return { port: server.port, internalPort };
}

function readVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return manifest.version;
}
