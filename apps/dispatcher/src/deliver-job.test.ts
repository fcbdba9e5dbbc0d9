import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Database, insertDeliveries, insertEvents, openDatabase } from '@signpost/database';
import { createJobProducer, type DeliverJob, type JobProducer, QueueUnavailableError } from '@signpost/queue';
import { createEncryption, createLogger, deriveUuid, makeUuid, systemClock } from '@signpost/runtime';
import {
  createTestDatabase,
  type Receiver,
  startReceiver,
  startTestRedis,
  type TestDatabase,
  waitFor,
} from '@signpost/testing';
import { createAddressPolicy, createTransport, type Transport } from '@signpost/transport';
import { createAttemptRecorder } from './attempt-recorder.ts';
import { createDeliver } from './deliver.ts';
import { createDeliverJob } from './deliver-job.ts';
import { createDeliveryContracts } from './delivery-contracts.ts';
import { createCounts } from './dispatcher-metrics.ts';
import { createEventContents } from './event-contents.ts';
import { createInsist } from './insist.ts';
import { newEvent } from './new-event.fixture.ts';
import { createRetryAfter } from './retry-after.ts';
import { createUnseenAttempts, type JobRun } from './unseen-attempts.ts';
import { createWebhookTargets } from './webhook-targets.ts';

let testDatabase: TestDatabase;
let database: Database;
let transport: Transport;
let receiver: Receiver;
let lines: string[] = [];
const workspaceId = makeUuid(systemClock.nowMs());
const counts = createCounts();
const logger = createLogger('dispatcher', 'info', { write: line => void lines.push(line) });

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 2,
    maxHotConnections: 4,
    onConnectionError: () => {},
  });
  transport = createTransport({
    policy: createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8'] }),
  });
  receiver = await startReceiver(() => ({ status: 500 }));
  await database.pool.query('insert into workspaces (id, name) values ($1, $2)', [workspaceId, 'faults']);
});
beforeEach(() => {
  lines = [];
  receiver.answerWith(() => ({ status: 500 }));
  receiver.requests.length = 0;
});
afterAll(async () => {
  await transport.close();
  await database.close();
  await testDatabase.drop();
  await receiver.close();
});

/** A webhook and a delivery to it that is due. */
async function makeDelivery(): Promise<{ webhookId: string; job: DeliverJob }> {
  const [event, webhookId] = [newEvent(workspaceId), makeUuid(systemClock.nowMs())];
  await database.pool.query(`insert into webhooks (id, workspace_id, url, event_types) values ($1, $2, $3, '{*}')`, [
    webhookId,
    workspaceId,
    receiver.url,
  ]);
  await insertEvents(database, [event]);
  const { id: eventId, eventType } = event;
  const id = deriveUuid(eventId, webhookId);
  const contract = { contract: 'standard', contractVersion: 0 };
  await insertDeliveries(database, [{ id, workspaceId, eventId, webhookId, eventType, ...contract }]);
  await seal(webhookId);
  return { webhookId, job: { v: 1, deliveryId: id, trigger: 'scheduled' } };
}

const encryption = createEncryption(randomBytes(32).toString('base64'));
async function seal(webhookId: string): Promise<void> {
  const sealed = encryption.seal(`whsec_${randomBytes(24).toString('base64')}`, `webhook-secret ${webhookId}`);
  await database.pool.query('insert into webhook_secrets (id, webhook_id, sealed, key_id) values ($1, $2, $3, $4)', [
    makeUuid(systemClock.nowMs()),
    webhookId,
    sealed.sealed,
    sealed.keyId,
  ]);
}

function makeDeliverJob(isRunning: JobProducer['isRunning'] = () => Promise.resolve(false)) {
  const insist = createInsist(logger);
  const unseenAttempts = createUnseenAttempts({ database, counts, logger });
  const deliver = createDeliver({
    database,
    transport,
    unseenAttempts,
    retryAfter: createRetryAfter({ database, counts, logger, random: () => 0 }),
    isRunning,
    insist,
    recorder: createAttemptRecorder({ database, insist }),
    eventContents: createEventContents(database),
    webhookTargets: createWebhookTargets(database, encryption),
    deliveryContracts: createDeliveryContracts(database),
    clock: systemClock,
    random: () => 0,
    counts,
    observeAttemptSeconds: () => {},
    logger,
  });
  return createDeliverJob({ deliver, database, insist, unseenAttempts, logger });
}

const readDelivery = async (id: string) =>
  (await database.pool.query('select status, attempt_count, completed_at from deliveries where id = $1', [id])).rows[0];

const attemptsOf = async (id: string) =>
  (
    await database.pool.query(
      'select number, status, error_code, phase from attempts where delivery_id = $1 order by number',
      [id],
    )
  ).rows;
const makeDue = (id: string): Promise<unknown> =>
  database.pool.query('update deliveries set next_attempt_at = now() where id = $1', [id]);
const dueInMs = async (id: string): Promise<number> =>
  (
    await database.pool.query<{ ms: number }>(
      'select (extract(epoch from next_attempt_at - now()) * 1000)::float8 as ms from deliveries where id = $1',
      [id],
    )
  ).rows[0]?.ms ?? Number.NaN;

const run: JobRun = {
  addedAtMs: 1_775_397_840_000,
  stalledCount: 0,
  notes: { scheduledAttempts: 0, stallsSeen: 0, faults: 0 },
};

test('a delivery that a fault of ours breaks is due later and later, then set aside with its stack in the log; each request has its row', async () => {
  const { webhookId, job } = await makeDelivery();
  // A schedule that no API takes: the delay that follows from it is not a number, and Postgres refuses the outcome.
  await database.pool.query(`update webhooks set retry_schedule = '["soon"]' where id = $1`, [webhookId]);
  const deliverJob = makeDeliverJob();
  const delays: number[] = [];
  let result = await deliverJob(job, run);
  while (result.kind === 'again') {
    delays.push(result.delayMs);
    // Due then by Postgres as well: the repairer would pull it forward otherwise.
    expect(Math.abs((await dueInMs(job.deliveryId)) - result.delayMs)).toBeLessThan(1000);
    // A job that comes before its time is put back, and its faults are not forgotten.
    const early = await deliverJob(job, { ...run, notes: result.notes });
    expect(early).toMatchObject({ kind: 'again', notes: result.notes });
    await makeDue(job.deliveryId);
    result = await deliverJob(job, { ...run, notes: result.notes });
  }

  expect(delays).toEqual([2000, 4000, 8000, 16_000]);
  expect(await readDelivery(job.deliveryId)).toEqual({
    status: 'failed',
    attempt_count: 5,
    completed_at: expect.any(Date),
  });
  expect(receiver.requests).toHaveLength(5);
  const notRecorded = { status: 'failed', error_code: 'not_recorded', phase: 'response' };
  expect(await attemptsOf(job.deliveryId)).toEqual([
    ...[1, 2, 3, 4].map(number => ({ number, ...notRecorded })),
    { number: 5, status: 'failed', error_code: 'quarantined', phase: null },
  ]);
  expect(counts.quarantined).toBe(1);
  expect(lines.filter(line => line.includes('delivery broke') && line.includes('at '))).toHaveLength(5);
  expect(lines.filter(line => line.includes('"delivery.quarantined"'))).toHaveLength(1);
});

test('a delivery with which 20 dispatchers in a row died is set aside; after 19 it is made', async () => {
  const [deadly, unlucky] = [await makeDelivery(), await makeDelivery()];
  const notes = { ...run.notes, stallsSeen: 3 };
  const deliverJob = makeDeliverJob();
  expect(await deliverJob(deadly.job, { ...run, notes, stalledCount: 23 })).toEqual({ kind: 'done' });
  expect(receiver.requests).toHaveLength(0);
  expect(await readDelivery(deadly.job.deliveryId)).toMatchObject({ status: 'failed' });
  expect(await attemptsOf(deadly.job.deliveryId)).toMatchObject([{ error_code: 'quarantined' }]);
  expect(await deliverJob(unlucky.job, { ...run, notes, stalledCount: 22 })).toMatchObject({ kind: 'again' });
  expect(receiver.requests).toHaveLength(1);
  expect(await attemptsOf(unlucky.job.deliveryId)).toMatchObject([
    { error_code: 'dispatcher_lost' },
    { error_code: 'http_status' },
  ]);
});

test('while one delivery breaks, those beside it are recorded', async () => {
  const good = await Promise.all(Array.from({ length: 20 }, makeDelivery));
  const bad = await makeDelivery();
  await database.pool.query(`update webhooks set retry_schedule = '["soon"]' where id = $1`, [bad.webhookId]);
  const deliverJob = makeDeliverJob();
  const results = await Promise.all([bad, ...good].map(({ job }) => deliverJob(job, run)));
  expect(results.map(({ kind }) => kind)).toEqual(Array.from({ length: 21 }, () => 'again'));
  expect(receiver.requests).toHaveLength(21);
  for (const { job } of good)
    expect(await readDelivery(job.deliveryId)).toMatchObject({ status: 'pending', attempt_count: 1 });
  expect(await attemptsOf(bad.job.deliveryId)).toMatchObject([{ number: 1, error_code: 'not_recorded' }]);
});

test('while Postgres refuses what follows from an answer, for everybody, it waits; the request is not made again', async () => {
  const { webhookId, job } = await makeDelivery();
  receiver.answerWith(() => ({ status: 410 }));
  await database.pool.query('alter table audit_log rename column action to action_before');
  const result = makeDeliverJob()(job, run);
  await waitFor(() => lines.some(line => line.includes('outcomes wait for Postgres')), {
    description: 'the outcome waits',
  });
  await database.pool.query('alter table audit_log rename column action_before to action');
  expect(await result).toEqual({ kind: 'done' });
  expect(receiver.requests).toHaveLength(1);
  expect(await readDelivery(job.deliveryId)).toMatchObject({ status: 'failed', attempt_count: 1 });
  const { rows } = await database.pool.query('select active from webhooks where id = $1', [webhookId]);
  expect(rows).toEqual([{ active: false }]);
});

test('while Redis is away, a job whose delivery another may have in hand runs again; that is no fault of the delivery', async () => {
  const { job } = await makeDelivery();
  await database.pool.query('update deliveries set manual_retry_at = now() where id = $1', [job.deliveryId]);
  const redis = await startTestRedis();
  const producer = createJobProducer({ redisUrl: redis.url, onError: () => {} });
  await producer.depth('deliver');
  const deliverJob = makeDeliverJob((id, trigger) => producer.isRunning(id, trigger));
  redis.pause();
  const faults = { ...run, notes: { ...run.notes, faults: 4 } };
  await expect(deliverJob({ ...job, trigger: 'manual' }, faults)).rejects.toThrow(QueueUnavailableError);
  redis.resume();
  expect(await deliverJob({ ...job, trigger: 'manual' }, faults)).toEqual({ kind: 'done' });
  expect(await attemptsOf(job.deliveryId)).toMatchObject([{ number: 1, error_code: 'http_status' }]);
  await producer.close();
  await redis.stop();
});

test('an attempt that a dead dispatcher left is noted once, however often its job comes back', async () => {
  const { job } = await makeDelivery();
  const unseenAttempts = createUnseenAttempts({ database, counts, logger });
  await unseenAttempts.noteLost(job, { ...run, stalledCount: 1 }, 0);
  await unseenAttempts.noteLost(job, { ...run, stalledCount: 1 }, 1);
  expect(await readDelivery(job.deliveryId)).toMatchObject({ status: 'pending', attempt_count: 1 });
  await unseenAttempts.noteLost(job, { ...run, stalledCount: 2 }, 1);
  expect(await readDelivery(job.deliveryId)).toMatchObject({ status: 'pending', attempt_count: 2 });
});

test('an attempt is not noted as lost where the delivery has moved on', async () => {
  const { job } = await makeDelivery();
  const unseenAttempts = createUnseenAttempts({ database, counts, logger });
  await unseenAttempts.noteLost(job, { ...run, stalledCount: 1 }, 3);
  expect(await readDelivery(job.deliveryId)).toMatchObject({ status: 'pending', attempt_count: 0 });
});

test('a stall counts once: later runs of a job that stalled note no more lost attempts', async () => {
  const { job } = await makeDelivery();
  const deliverJob = makeDeliverJob();
  let current: JobRun = { ...run, stalledCount: 1 };
  for (let runs = 0; runs < 2; runs += 1) {
    await makeDue(job.deliveryId);
    const result = await deliverJob(job, current);
    if (result.kind === 'again') current = { ...current, notes: result.notes };
  }
  expect(current.notes).toEqual({ scheduledAttempts: 2, stallsSeen: 1, faults: 0 });
  const { rows } = await database.pool.query(
    'select number, error_code from attempts where delivery_id = $1 order by number',
    [job.deliveryId],
  );
  expect(rows).toEqual([
    { number: 1, error_code: 'dispatcher_lost' },
    { number: 2, error_code: 'http_status' },
    { number: 3, error_code: 'http_status' },
  ]);
});
