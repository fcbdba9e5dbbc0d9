import { randomBytes, randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import {
  type AuditEntry,
  createWriteCheck,
  type Database,
  insertApiKey,
  insertWorkspace,
  openDatabase,
} from '@signpost/database';
import type { ApiKeyScope } from '@signpost/delivery';
import { createJobProducer, type JobProducer } from '@signpost/queue';
import {
  type Clock,
  createEncryption,
  createLogger,
  formatId,
  makeUuid,
  Registry,
  systemClock,
} from '@signpost/runtime';
import { createAddressPolicy } from '@signpost/transport';
import { createAccessRegistry } from './access/access-registry.ts';
import { createClientAddressFinder } from './access/client-address.ts';
import { hashKeySecret, keySecretHint, makeKeySecret } from './access/key-secret.ts';
import { createLoopGuard } from './access/loop-guard.ts';
import { apiRoutes, createApp } from './app.ts';
import { systemAuthor } from './audit/audit-author.ts';
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
import { openApiRoutes } from './routes/openapi/index.ts';

/** What a call answered. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body; undefined where it is empty or not JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look at answers of every shape
  readonly body: any;
}

export interface TestCall {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly rawBody?: string | Buffer;
}

/** A workspace with a key of its own. */
export interface TestWorkspace {
  /** UUID. */
  readonly id: string;
  readonly publicId: string;
  /** Secret of a key with the given scopes. */
  readonly key: string;
}

/** The app on a port of its own, over a real database, for the tests beside the routes. */
export interface TestApi {
  readonly url: string;
  readonly adminKey: string;
  readonly dependencies: ApiDependencies;
  /** @param target method and path: `POST /v1/webhooks` */
  call(target: string, options?: TestCall): Promise<TestAnswer>;
  makeWorkspace(scopes?: readonly ApiKeyScope[]): Promise<TestWorkspace>;
  /** Makes one more key of a workspace. @returns its secret */
  makeKey(workspaceId: string, scopes: readonly ApiKeyScope[]): Promise<string>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  readonly databaseUrl: string;
  /** Without it, the app finds that Redis is away. */
  readonly redisUrl?: string;
  readonly clock?: Clock;
  readonly requestsPerMinute?: number;
  /** Log lines go here; nowhere unless given. */
  readonly onLogLine?: (line: string) => void;
  /** Changes what main.ts would build. */
  readonly override?: (dependencies: ApiDependencies) => ApiDependencies;
}

const away = (): Promise<never> => Promise.reject(new Error('Redis is away.'));

/** What the real one does while Redis is away, without its connection, which would keep trying after the test. */
const producerWithoutRedis: JobProducer = {
  enqueueFanOut: away,
  enqueueDeliveries: away,
  enqueueAttemptNow: away,
  promoteDeliveries: away,
  isRunning: away,
  depth: away,
  checkWritable: away,
  isComplete: away,
  beginRebuild: away,
  isRebuilding: away,
  finishRebuild: away,
  close: () => Promise.resolve(),
};

function openProducer(redisUrl: string | undefined): JobProducer {
  return redisUrl === undefined ? producerWithoutRedis : createJobProducer({ redisUrl, onError: () => {} });
}

export async function startTestApi(options: TestApiOptions): Promise<TestApi> {
  const database = openDatabase({
    url: options.databaseUrl,
    maxConnections: 4,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
  const clock = options.clock ?? systemClock;
  const adminKey = `admin-${randomUUID()}`;
  const producer = openProducer(options.redisUrl);
  const logger = createLogger('api', options.onLogLine === undefined ? 'silent' : 'debug', {
    write: line => options.onLogLine?.(line),
  });
  const publisher = createPublisher({ database, handOver: createFanOutHandOver({ producer, logger }), logger });
  const registry = new Registry();
  const encryption = createEncryption(randomBytes(32).toString('base64'));
  const built: ApiDependencies = {
    database,
    producer,
    publisher,
    encryption,
    loopGuard: createLoopGuard(encryption.installationIds),
    addressPolicy: createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8'] }),
    production: false,
    contracts: createContractRegistry(database),
    eventCatalogue: createEventCatalogue(database),
    clock,
    access: createAccessRegistry({ database, clock, adminApiKey: adminKey }),
    findClientAddress: createClientAddressFinder([]),
    rateLimiter: createRateLimiter({ perMinute: options.requestsPerMinute ?? 0, clock }),
    metrics: createRequestMetrics(registry),
    logger,
  };
  const dependencies = options.override?.(built) ?? built;
  const routes = [
    ...apiRoutes(dependencies),
    ...openApiRoutes('0.0.0'),
    ...healthRoutes([
      { name: 'postgres', required: true, check: createWriteCheck(database) },
      { name: 'redis', required: false, check: () => producer.checkWritable() },
    ]),
    ...metricsRoutes(registry, false),
  ];
  const server = await startHttpServer(createApp(dependencies, routes), 0, '127.0.0.1', logger);
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    adminKey,
    dependencies,
    call: (target, call = {}) => sendCall(url, target, call),
    makeWorkspace: scopes => makeTestWorkspace(database, clock, scopes ?? ['admin']),
    makeKey: (workspaceId, scopes) => makeTestKey(database, clock, workspaceId, scopes),
    async close() {
      await server.close();
      await publisher.close();
      await producer.close();
      await database.close();
    },
  };
}

function sendCall(url: string, target: string, { key, headers = {}, body, rawBody }: TestCall): Promise<TestAnswer> {
  const [method, path = '/'] = target.split(' ', 2);
  const content = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  const sent: Record<string, string> = {
    ...(content === undefined ? {} : { 'content-type': 'application/json' }),
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };
  for (const [name, value] of Object.entries(headers))
    if (value === undefined) delete sent[name];
    else sent[name] = value;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url + path, { method, headers: sent }, incoming => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /json/.test(incoming.headers['content-type'] ?? '');
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          body: isJson ? JSON.parse(text) : undefined,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(content);
  });
}

async function makeTestWorkspace(
  database: Database,
  clock: Clock,
  scopes: readonly ApiKeyScope[],
): Promise<TestWorkspace> {
  const id = makeUuid(clock.nowMs());
  const made = await insertWorkspace(database, { id, name: `workspace-${id}`, contract: 'standard' }, [], audit);
  if (made === null) throw new Error('A fresh name was taken');
  return { id, publicId: formatId('workspace', id), key: await makeTestKey(database, clock, id, scopes) };
}

async function makeTestKey(
  database: Database,
  clock: Clock,
  workspaceId: string,
  scopes: readonly ApiKeyScope[],
): Promise<string> {
  const secret = makeKeySecret();
  const key = { id: makeUuid(clock.nowMs()), workspaceId, name: 'test', scopes };
  await insertApiKey(database, { ...key, secretHash: hashKeySecret(secret), secretHint: keySecretHint(secret) }, audit);
  return secret;
}

/** What tests need is of no workspace, so that a workspace's entries are those of its calls alone. */
const audit = (): AuditEntry => ({
  author: systemAuthor,
  action: 'workspace.updated',
  workspaceId: null,
  resourceId: 'test',
  changes: {},
});
