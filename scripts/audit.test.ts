import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createJobProducer, type JobProducer } from '@signpost/queue';
import { deriveUuid, formatId, makeUuid } from '@signpost/runtime';
import { createTestDatabase, startTestRedis, type TestDatabase, type TestRedis } from '@signpost/testing';
import pg from 'pg';
import { readAuditArguments } from './audit/options.ts';

let database: TestDatabase;
let redis: TestRedis;
let pool: pg.Pool;
let producer: JobProducer;
beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  pool = new pg.Pool({ connectionString: database.url, max: 1 });
  producer = createJobProducer({ redisUrl: redis.url, onError: () => {} });
});
afterAll(async () => {
  await producer.close();
  await pool.end();
  await Promise.all([database.drop(), redis.stop()]);
});

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runAudit(args: readonly string[], environment: Record<string, string | undefined> = {}): Promise<Run> {
  const env = {
    ...process.env,
    NODE_OPTIONS: undefined,
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    ...environment,
  };
  return new Promise(resolve =>
    execFile(process.execPath, [path.resolve('scripts/audit.ts'), ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

/** A pending delivery that is due in an hour. */
async function makePending(): Promise<string> {
  const [workspace, webhook, event] = [makeUuid(Date.now()), makeUuid(Date.now()), makeUuid(Date.now())];
  const delivery = deriveUuid(event, webhook);
  await pool.query('insert into workspaces (id, name) values ($1, $2)', [workspace, randomUUID()]);
  await pool.query(
    `insert into webhooks (id, workspace_id, url, event_types, created_at, updated_at)
     values ($1, $2, 'https://example.com', '{*}', now() - interval '1 h', now() - interval '1 h')`,
    [webhook, workspace],
  );
  await pool.query(
    `insert into events (id, workspace_id, event_type, occurred_at, payload) values ($1, $2, 'call.ended', now(), '1')`,
    [event, workspace],
  );
  await pool.query(
    `insert into deliveries (id, workspace_id, event_id, webhook_id, event_type, next_attempt_at)
     values ($1, $2, $3, $4, 'call.ended', now() + interval '1 h')`,
    [delivery, workspace, event, webhook],
  );
  return delivery;
}

test('exit code 0 with figures where everything fits, 1 with public ids for what lacks its job', async () => {
  await producer.finishRebuild(await producer.beginRebuild());
  const first = await makePending();
  await producer.enqueueDeliveries([{ deliveryId: first, delayMs: 3_600_000, scheduledAttempts: 0 }]);
  const clean = await runAudit(['--json']);
  expect(clean).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(clean.stdout)).toMatchObject({
    clean: true,
    deliveries: 1,
    expected_deliveries: 1,
    pending_deliveries: 1,
  });

  const second = await makePending();
  const damaged = await runAudit([]);
  expect(damaged.code).toBe(1);
  expect(damaged.stdout).toMatch(/^delivery_without_job: 1 /m);
  expect(damaged.stdout).toContain(formatId('delivery', second));
  expect(damaged.stdout).not.toContain(formatId('delivery', first));
  expect((await runAudit([], { REDIS_URL: undefined })).code).toBe(0);

  await redis.restart();
  expect((await runAudit([])).stdout).toMatch(/^queue_incomplete/m);
}, 60_000);

test('exit code 2 with the reason where it cannot be done', async () => {
  expect(await runAudit([], { DATABASE_URL: undefined })).toMatchObject({ code: 2, stdout: '' });
  const away = await runAudit([], { DATABASE_URL: 'postgresql://user:canary@127.0.0.1:1/x' });
  expect(away).toMatchObject({ code: 2, stderr: expect.stringContaining('ECONNREFUSED') });
  expect(away.stderr).not.toContain('canary');
  expect(await runAudit([], { REDIS_URL: 'redis://127.0.0.1:1' })).toMatchObject({ code: 2 });
  expect(await runAudit(['--since', 'yesterday'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--since must be a time'),
  });
}, 60_000);

test('times are dates or so long ago, and a workspace is a public id', () => {
  const id = makeUuid(0);
  const args = ['--since', '24h', '--until', '2026-11-21T09:30:00Z', '--workspace', formatId('workspace', id)];
  expect(readAuditArguments(args, 86_400_000)).toMatchObject({
    kind: 'audit',
    sinceMs: 0,
    untilMs: Date.UTC(2026, 10, 21, 9, 30),
    workspaceId: id,
  });
  for (const wrong of [['--since', '24'], ['--workspace', 'wh_1'], ['--late-events', 'x'], ['--frobnicate']])
    expect(readAuditArguments(wrong, 0).kind).toBe('wrong');
});
