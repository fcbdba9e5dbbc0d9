import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { verify } from '@signpost/contracts/verify';
import { webhookSecretContext } from '@signpost/database';
import { createEncryption, formatId, makeUuid } from '@signpost/runtime';
import { createTestDatabase, startApp, startReceiver, type TestDatabase, waitFor } from '@signpost/testing';
import pg from 'pg';
import { startInstallation } from './support/installation.ts';

const script = path.resolve(import.meta.dirname, '../scripts/rotate-encryption-key.ts');
const makeKey = () => randomBytes(32).toString('base64');
const keyIdOf = (key: string) => createEncryption(key).activeKeyId;

interface Run {
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  kill(): void;
}

function startRotation(databaseUrl: string, keys: string, args: readonly string[] = []): Run {
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, NODE_OPTIONS: undefined, DATABASE_URL: databaseUrl, ENCRYPTION_KEY: keys },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', chunk => (output += String(chunk)));
  child.stderr.on('data', chunk => (output += String(chunk)));
  return {
    ended: new Promise(resolve => child.once('close', code => resolve({ code, output }))),
    kill: () => void child.kill('SIGKILL'),
  };
}

const rotate = (databaseUrl: string, keys: string, args: readonly string[] = []) =>
  startRotation(databaseUrl, keys, args).ended;

// Each test starts processes, a second each and several where all tests run at once.
jest.setTimeout(60_000);

const oldKey = makeKey();
const newKey = makeKey();
const [oldId, newId] = [keyIdOf(oldKey), keyIdOf(newKey)];

describe('the table of secrets', () => {
  let testDatabase: TestDatabase;
  let client: pg.Client;
  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    client = new pg.Client({ connectionString: testDatabase.url });
    await client.connect();
  });
  afterEach(async () => {
    await client.end();
    await testDatabase.drop();
  });

  /** @returns ids of the webhooks, one with each secret, in the order in which they are rotated */
  async function insertSecrets(count: number, key: string): Promise<string[]> {
    const encryption = createEncryption(key);
    const workspaceId = makeUuid(Date.now());
    await client.query(`insert into workspaces (id, name) values ($1, $2)`, [workspaceId, workspaceId]);
    const webhookIds = Array.from({ length: count }, () => makeUuid(Date.now()));
    await client.query(
      `insert into webhooks (id, workspace_id, url, event_types) select id, $2, 'https://example.com/', '{*}'
       from unnest($1::uuid[]) as t (id)`,
      [webhookIds, workspaceId],
    );
    const sealed = webhookIds.map(id => encryption.seal(`whsec_${id}`, webhookSecretContext(id)).sealed);
    await client.query(
      `insert into webhook_secrets (id, webhook_id, sealed, key_id)
       select id, id, sealed, $3 from unnest($1::uuid[], $2::bytea[]) as t (id, sealed)`,
      [webhookIds, sealed, encryption.activeKeyId],
    );
    return webhookIds;
  }

  async function countsByKey(): Promise<Record<string, number>> {
    const { rows } = await client.query<{ key: string; n: number }>(
      'select key_id as key, count(*)::int as n from webhook_secrets group by key_id',
    );
    return Object.fromEntries(rows.map(({ key, n }) => [key, n]));
  }

  /** What the audit log tells of: how many secrets were sealed with the new key, in pages, and by whom. */
  async function audited(): Promise<{ sealed: number; authors: string[] }> {
    const { rows } = await client.query<{ resource: string; author: string; sealed: number }>(
      `select resource_type || ' ' || resource_id as resource, actor_type as author,
         (changes->>'sealed_secrets')::int as sealed from audit_log where action = 'encryption_key.rotated'`,
    );
    for (const { resource } of rows) expect(resource).toBe(`encryption_key ${newId}`);
    return {
      sealed: rows.reduce((sum, { sealed }) => sum + sealed, 0),
      authors: [...new Set(rows.map(({ author }) => author))],
    };
  }

  /** Every secret opens with this key alone and says what it said. */
  async function expectAllToOpen(keys: string): Promise<void> {
    const encryption = createEncryption(keys);
    const { rows } = await client.query<{ webhookId: string; sealed: Buffer; keyId: string }>(
      'select webhook_id as "webhookId", sealed, key_id as "keyId" from webhook_secrets',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows)
      expect(encryption.open(row, webhookSecretContext(row.webhookId))).toBe(`whsec_${row.webhookId}`);
  }

  test('all secrets of several pages are sealed with the first key, expired ones too, and no output holds a key or a secret', async () => {
    const webhookIds = await insertSecrets(1201, oldKey);
    await client.query(`update webhook_secrets set expires_at = now() - interval '1 day' where id = $1`, [
      webhookIds[0],
    ]);
    const { code, output } = await rotate(testDatabase.url, `${newKey},${oldKey}`);
    expect({ code, counts: await countsByKey() }).toEqual({ code: 0, counts: { [newId]: 1201 } });
    expect(await audited()).toEqual({ sealed: 1201, authors: ['operator'] });
    await expectAllToOpen(newKey);
    expect(output).toContain(`key ${oldId}: 0 secrets`);
    expect(output).toContain(`No secret needs ${oldId} any more: take it out of ENCRYPTION_KEY`);
    for (const hidden of [oldKey, newKey, 'whsec_']) expect(output).not.toContain(hidden);
  });

  test('--dry-run tells the same and changes nothing', async () => {
    await insertSecrets(3, oldKey);
    const { code, output } = await rotate(testDatabase.url, `${newKey},${oldKey}`, ['--dry-run']);
    expect({ code, counts: await countsByKey() }).toEqual({ code: 0, counts: { [oldId]: 3 } });
    expect(output).toContain('3 secrets looked at, 3 would be sealed anew.');
    expect(output).toContain(`key ${oldId}: 3 secrets`);
    expect(output).not.toContain('take it out');
  });

  test('killed half-way, it leaves every secret readable, and the next run finishes', async () => {
    const webhookIds = await insertSecrets(1300, oldKey);
    await client.query(`create function wait_for_test() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock(77); return new; end $$`);
    // The third page has it: two pages are done when it stops there.
    await client.query(`create trigger wait_for_test before update on webhook_secrets for each row
      when (old.id = '${webhookIds[1250]}') execute function wait_for_test()`);
    await client.query('select pg_advisory_lock(77)');
    const killed = startRotation(testDatabase.url, `${newKey},${oldKey}`);
    const waits = `select 1 from pg_locks where locktype = 'advisory' and not granted`;
    await waitFor(async () => (await client.query(waits)).rowCount === 1, { description: 'the third page is waiting' });
    killed.kill();
    expect((await killed.ended).code).toBeNull();
    expect(await countsByKey()).toEqual({ [oldId]: 300, [newId]: 1000 });
    expect((await audited()).sealed).toBe(1000);
    await expectAllToOpen(`${oldKey},${newKey}`);
    await client.query('select pg_advisory_unlock(77)');
    await client.query('drop trigger wait_for_test on webhook_secrets');
    expect((await rotate(testDatabase.url, `${newKey},${oldKey}`)).code).toBe(0);
    expect(await countsByKey()).toEqual({ [newId]: 1300 });
    await expectAllToOpen(newKey);
  });

  test('three at once end well, and none spoils the work of another', async () => {
    await insertSecrets(2500, oldKey);
    const runs = await Promise.all(Array.from({ length: 3 }, () => rotate(testDatabase.url, `${newKey},${oldKey}`)));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(await countsByKey()).toEqual({ [newId]: 2500 });
    await expectAllToOpen(newKey);
  });

  test('a secret that somebody replaces meanwhile is not overwritten with what it was', async () => {
    const [webhookId = ''] = await insertSecrets(3, oldKey);
    const other = new pg.Client({ connectionString: testDatabase.url });
    await other.connect();
    try {
      // Holds the row as a rotation of the webhook's secret does, and gives it another secret.
      await other.query('begin');
      const replaced = createEncryption(oldKey).seal('whsec_replaced', webhookSecretContext(webhookId));
      await other.query('update webhook_secrets set sealed = $1 where webhook_id = $2', [replaced.sealed, webhookId]);
      const { output } = await rotate(testDatabase.url, `${newKey},${oldKey}`);
      await other.query('commit');
      // It did not wait, and says that the old key is still needed.
      expect(output).toContain(`Still needed: ${oldId}.`);
    } finally {
      await other.end();
    }
    expect(await countsByKey()).toEqual({ [oldId]: 1, [newId]: 2 });
    expect((await rotate(testDatabase.url, `${newKey},${oldKey}`)).code).toBe(0);
    const { rows } = await client.query('select sealed, key_id as "keyId" from webhook_secrets where webhook_id = $1', [
      webhookId,
    ]);
    expect(createEncryption(newKey).open(rows[0], webhookSecretContext(webhookId))).toBe('whsec_replaced');
  });

  test('a secret that opens with none of the keys is named by its webhook, the others are done, and the code is 1', async () => {
    const [lost = ''] = await insertSecrets(1, makeKey());
    const [moved = ''] = await insertSecrets(1, oldKey);
    await insertSecrets(4, oldKey);
    await client.query('update webhook_secrets set sealed = overlay(sealed placing $1 from 20) where webhook_id = $2', [
      Buffer.from('x'),
      moved,
    ]);
    const { code, output } = await rotate(testDatabase.url, `${newKey},${oldKey}`);
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`${formatId('webhook', lost)} does not open.+not in ENCRYPTION_KEY`));
    expect(output).toMatch(new RegExp(`${formatId('webhook', moved)} does not open.+was altered`));
    expect(output).not.toContain('take it out');
    expect((await countsByKey())[newId]).toBe(4);
  });

  test.each([
    ['no database', { url: '', keys: newKey, args: [] }, 'Set DATABASE_URL'],
    [
      'a key that is none',
      { url: 'postgresql://127.0.0.1:1/x', keys: 'c2hvcnQ=', args: [] },
      'An encryption key is 32 bytes',
    ],
    [
      'an option that does not exist',
      { url: 'postgresql://127.0.0.1:1/x', keys: newKey, args: ['--dry'] },
      '--dry is not',
    ],
    ['a database that is away', { url: 'postgresql://127.0.0.1:1/x', keys: newKey, args: [] }, 'ECONNREFUSED'],
  ])('%s is said in a sentence', async (_, { url, keys, args }, sentence) => {
    const { code, output } = await rotate(url, keys, args);
    expect(code).toBe(1);
    expect(output).toContain(sentence);
    expect(output).not.toMatch(/\n {4}at /);
  });
});

describe('a live installation', () => {
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let signpost: Awaited<ReturnType<typeof startInstallation>>;
  beforeAll(async () => {
    receiver = await startReceiver();
    signpost = await startInstallation({ environment: { ENCRYPTION_KEY: oldKey } });
  });
  afterAll(async () => {
    await signpost.close();
    await receiver.close();
  });

  test('signs with the same secrets when the old key is gone, also those that were rotated while it ran', async () => {
    const quiet = await signpost.createWebhook({ url: `${receiver.url}/quiet` });
    const busy = await signpost.createWebhook({ url: `${receiver.url}/busy` });
    const secrets: Record<string, string> = { '/quiet': quiet.signing_secret, '/busy': busy.signing_secret };
    const both = `${newKey},${oldKey}`;
    const api = await startApp('api', { ...signpost.environment, ENCRYPTION_KEY: both });
    const rotateBusy = async (): Promise<void> => {
      const answer = await fetch(`${api.url}/v1/webhooks/${busy.id}/rotate-secret`, {
        method: 'POST',
        headers: { authorization: `Bearer ${signpost.key}`, 'content-type': 'application/json' },
        body: '{"overlap_seconds":0}',
      });
      expect(answer.status).toBe(200);
      secrets['/busy'] = ((await answer.json()) as { signing_secret: string }).signing_secret;
    };
    try {
      const runs = [rotate(signpost.databaseUrl, both), rotate(signpost.databaseUrl, both)];
      for (let n = 0; n < 20; n += 1) await rotateBusy();
      expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0]);
    } finally {
      await api.stop();
    }
    await Promise.all(signpost.dispatchers.map(each => each.stop()));
    await signpost.addDispatcher({ ENCRYPTION_KEY: newKey });
    const eventId = await signpost.publish({ eventType: 'call.ended', data: { n: 1 } });
    const deliveries = await signpost.settledDeliveries(eventId);
    expect(deliveries.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    const requests = await receiver.waitForRequests(2);
    for (const { path: to, headers, body } of requests)
      expect(verify('standard', { headers, body, secret: secrets[to] ?? '' }).kind).toBe('accepted');
  });
});
