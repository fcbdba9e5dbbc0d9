import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { matchesEventType } from '@signpost/delivery';
import { makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import fc from 'fast-check';
import {
  changeWebhook,
  type Database,
  deleteWebhook,
  findWebhook,
  insertWebhook,
  insertWorkspace,
  listWebhooks,
  loadWebhookTargets,
  type NewWebhook,
  openDatabase,
  rotateWebhookSecret,
} from './index.ts';
import { audit } from './audit-log.fixture.ts';
import { patternsThatMatch } from './webhooks.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 12,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const uuid = (): string => makeUuid(systemClock.nowMs());
const newSecret = () => ({ id: uuid(), sealed: randomBytes(48), keyId: '0123abcd' });
const everything = { active: null, eventType: null, subject: null };

async function makeWorkspace(): Promise<string> {
  const id = uuid();
  await insertWorkspace(database, { id, name: id, contract: 'standard' }, [], audit);
  return id;
}

function newWebhook(workspaceId: string, overrides: Partial<NewWebhook> = {}): NewWebhook {
  return {
    id: uuid(),
    workspaceId,
    url: 'https://example.com/hooks',
    eventTypes: ['*'],
    description: null,
    contract: null,
    method: null,
    headers: {},
    timeoutMs: null,
    retrySchedule: null,
    subject: null,
    channels: [],
    metadata: {},
    active: true,
    ...overrides,
  };
}

async function makeWebhook(workspaceId: string, overrides: Partial<NewWebhook> = {}): Promise<string> {
  const webhook = newWebhook(workspaceId, overrides);
  await insertWebhook(database, webhook, newSecret(), audit);
  return webhook.id;
}

async function revisionOf(workspaceId: string): Promise<number> {
  const { rows } = await database.pool.query('select webhooks_revision as n from workspaces where id = $1', [
    workspaceId,
  ]);
  return Number(rows[0].n);
}

async function versionOf(id: string): Promise<number> {
  return (await loadWebhookTargets(database, [id]))[0]?.version ?? -1;
}

describe('webhooks', () => {
  test('every setting comes back as it was stored', async () => {
    const workspaceId = await makeWorkspace();
    const metadata = JSON.parse('{"__proto__":{"a":1},"n":null,"text":"\\u0000 €"}') as Record<string, unknown>;
    const webhook = newWebhook(workspaceId, {
      eventTypes: ['call.ended', 'sms.*'],
      description: '',
      contract: 'github',
      method: 'POST',
      headers: { 'X-Tenant': 'a "quoted" one' },
      timeoutMs: 5000,
      retrySchedule: [],
      subject: 'agent-1',
      channels: ['a,b', '{}', 'NULL'],
      metadata,
      active: false,
    });
    const { workspaceId: _workspaceId, ...settings } = webhook;
    expect(await insertWebhook(database, webhook, newSecret(), audit)).toMatchObject(settings);
    const found = await findWebhook(database, workspaceId, webhook.id);
    expect(found).toMatchObject(settings);
    expect(JSON.stringify(found?.metadata)).toBe(JSON.stringify(metadata));
    expect(found?.deactivatedReason).toBeNull();
  });

  test('a workspace that is gone takes none', async () => {
    expect(await insertWebhook(database, newWebhook(uuid()), newSecret(), audit)).toBeNull();
  });

  test('changes at once each raise the version and the revision', async () => {
    const workspaceId = await makeWorkspace();
    const before = await revisionOf(workspaceId);
    const ids = await Promise.all(Array.from({ length: 10 }, () => makeWebhook(workspaceId)));
    expect(await revisionOf(workspaceId)).toBe(before + 10);
    const [id = ''] = ids;
    const version = await versionOf(id);
    await Promise.all([
      ...Array.from({ length: 5 }, (_, n) =>
        changeWebhook(database, workspaceId, id, () => ({ kind: 'change', changes: { description: `${n}` } }), audit),
      ),
      ...Array.from({ length: 5 }, () =>
        rotateWebhookSecret(
          database,
          { workspaceId, webhookId: id, maxSigning: 100 },
          () => ({
            kind: 'rotate',
            secret: newSecret(),
            overlapSeconds: 60,
          }),
          audit,
        ),
      ),
    ]);
    expect(await versionOf(id)).toBe(version + 10);
    expect(await deleteWebhook(database, workspaceId, id, audit)).toBe(true);
    expect(await revisionOf(workspaceId)).toBe(before + 21);
  });

  test('nothing changes where there is nothing to change, where it is refused, or in another workspace', async () => {
    const [workspaceId, other] = [await makeWorkspace(), await makeWorkspace()];
    const id = await makeWebhook(workspaceId);
    const [revision, version, before] = [
      await revisionOf(workspaceId),
      await versionOf(id),
      await findWebhook(database, workspaceId, id),
    ];
    const noChange = await changeWebhook(database, workspaceId, id, () => ({ kind: 'change', changes: {} }), audit);
    expect(noChange).toEqual({ kind: 'changed', webhook: before });
    expect(await changeWebhook(database, workspaceId, id, () => ({ kind: 'refuse', refusal: 'no' }), audit)).toEqual({
      kind: 'refused',
      refusal: 'no',
    });
    const changes = { url: 'https://example.org' };
    expect(await changeWebhook(database, other, id, () => ({ kind: 'change', changes }), audit)).toEqual({
      kind: 'missing',
    });
    expect(await findWebhook(database, other, id)).toBeNull();
    expect(await deleteWebhook(database, other, id, audit)).toBe(false);
    expect([await revisionOf(workspaceId), await versionOf(id)]).toEqual([revision, version]);
    expect(await findWebhook(database, workspaceId, id)).toEqual(before);
  });

  test('a decision that throws leaves the webhook as it was, and the row unlocked', async () => {
    const workspaceId = await makeWorkspace();
    const id = await makeWebhook(workspaceId);
    const fault = new Error('decided badly');
    await expect(
      changeWebhook(
        database,
        workspaceId,
        id,
        () => {
          throw fault;
        },
        audit,
      ),
    ).rejects.toBe(fault);
    const changed = await changeWebhook(
      database,
      workspaceId,
      id,
      () => ({ kind: 'change', changes: { active: false } }),
      audit,
    );
    expect(changed).toMatchObject({ kind: 'changed', webhook: { active: false } });
  });

  test('lists go newest first, and by each filter', async () => {
    const workspaceId = await makeWorkspace();
    const ended = await makeWebhook(workspaceId, { eventTypes: ['call.ended'], subject: 'agent-1' });
    const calls = await makeWebhook(workspaceId, { eventTypes: ['call.*'], active: false });
    const sms = await makeWebhook(workspaceId, { eventTypes: ['sms.sent'] });
    const all = await makeWebhook(workspaceId, { eventTypes: ['*'] });
    const page = { limit: 10, start: null };
    const list = async (filter: Partial<typeof everything> | object) =>
      (await listWebhooks(database, workspaceId, { ...everything, ...filter }, page)).rows.map(row => row.id);
    expect(await list({})).toEqual([all, sms, calls, ended]);
    expect(await list({ eventType: 'call.ended' })).toEqual([all, calls, ended]);
    expect(await list({ eventType: 'call' })).toEqual([all]);
    expect(await list({ active: false })).toEqual([calls]);
    expect(await list({ active: true, eventType: 'call.ended' })).toEqual([all, ended]);
    expect(await list({ subject: 'agent-1' })).toEqual([ended]);
  });

  test('a list by event type agrees with the matching of deliveries', () => {
    const part = fc.stringMatching(/^[a-c]{1,2}$/);
    const name = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => parts.join('.'));
    const pattern = fc.oneof(
      fc.constant('*'),
      name,
      name.map(start => `${start}.*`),
    );
    fc.assert(
      fc.property(name, pattern, (eventType, each) => {
        expect(patternsThatMatch(eventType).includes(each)).toBe(matchesEventType(each, eventType));
      }),
    );
  });
});

describe('rotation', () => {
  const secretsOf = async (id: string) => (await loadWebhookTargets(database, [id]))[0]?.secrets ?? [];
  const rotate = (workspaceId: string, webhookId: string, overlapSeconds: number, maxSigning = 10) =>
    rotateWebhookSecret(
      database,
      { workspaceId, webhookId, maxSigning },
      () => ({
        kind: 'rotate',
        secret: newSecret(),
        overlapSeconds,
      }),
      audit,
    );

  test('the new secret comes first; the old one ends with the overlap, never later than it was to end', async () => {
    const workspaceId = await makeWorkspace();
    const id = await makeWebhook(workspaceId);
    const [first] = await secretsOf(id);
    const startedMs = systemClock.nowMs();
    expect(await rotate(workspaceId, id, 60)).toEqual({ kind: 'rotated' });
    expect(await rotate(workspaceId, id, 3600)).toEqual({ kind: 'rotated' });
    const secrets = await secretsOf(id);
    expect(secrets).toHaveLength(3);
    expect(secrets[0]?.expiresAtMs).toBeNull();
    expect(secrets[2]?.id).toBe(first?.id);
    const lifeMs = secrets.slice(1).map(secret => (secret.expiresAtMs ?? 0) - startedMs);
    expect(lifeMs[0]).toBeGreaterThan(3_500_000);
    expect(lifeMs[1]).toBeGreaterThan(50_000);
    expect(lifeMs[1]).toBeLessThan(120_000);
  });

  test('without an overlap the old secrets are gone at once', async () => {
    const workspaceId = await makeWorkspace();
    const id = await makeWebhook(workspaceId);
    const before = await secretsOf(id);
    await rotate(workspaceId, id, 60);
    await rotate(workspaceId, id, 0);
    const secrets = await secretsOf(id);
    expect(secrets).toHaveLength(1);
    expect(before.map(secret => secret.id)).not.toContain(secrets[0]?.id);
  });

  test('expired secrets are deleted by the next rotation', async () => {
    const workspaceId = await makeWorkspace();
    const id = await makeWebhook(workspaceId);
    await rotate(workspaceId, id, 60);
    await database.pool.query(
      `update webhook_secrets set expires_at = now() - interval '1 second' where webhook_id = $1 and expires_at is not null`,
      [id],
    );
    await rotate(workspaceId, id, 60);
    expect(await secretsOf(id)).toHaveLength(2);
  });

  test('no more secrets sign at once than allowed, however many rotations come at once', async () => {
    const workspaceId = await makeWorkspace();
    const id = await makeWebhook(workspaceId);
    const results = await Promise.all(Array.from({ length: 8 }, () => rotate(workspaceId, id, 60, 3)));
    expect(results.filter(result => result.kind === 'rotated')).toHaveLength(2);
    expect(results.filter(result => result.kind === 'too_many')).toHaveLength(6);
    expect(await secretsOf(id)).toHaveLength(3);
    expect(await rotate(workspaceId, id, 0, 3)).toEqual({ kind: 'rotated' });
  });

  test("another workspace's webhook keeps its secret", async () => {
    const [workspaceId, other] = [await makeWorkspace(), await makeWorkspace()];
    const id = await makeWebhook(workspaceId);
    const before = await secretsOf(id);
    expect(await rotate(other, id, 0)).toEqual({ kind: 'missing' });
    expect(await secretsOf(id)).toEqual(before);
  });
});
