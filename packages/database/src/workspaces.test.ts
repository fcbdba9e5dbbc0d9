import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeUuid } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import {
  type Database,
  deleteWorkspace,
  ensureWorkspace,
  findApiKeyAccess,
  insertApiKey,
  insertDeliveries,
  insertEventType,
  listEventTypes,
  loadCatalogue,
  openDatabase,
  updateEventType,
} from './index.ts';
import { audit } from './audit-log.fixture.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 8,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const newId = (): string => makeUuid(Date.now());
const makeWorkspace = () => ensureWorkspace(database, { id: newId(), name: newId(), contract: 'standard' }, audit);

async function insertPendingDelivery(workspaceId: string): Promise<string> {
  const [id, eventId] = [newId(), newId()];
  await database.pool.query('insert into pending_fan_outs (event_id) values ($1)', [eventId]);
  await insertDeliveries(database, [
    {
      id,
      workspaceId,
      eventId,
      webhookId: newId(),
      eventType: 'call.ended',
      contract: 'standard',
      contractVersion: 0,
    },
  ]);
  return id;
}

async function statusOf(id: string): Promise<string> {
  const { rows } = await database.pool.query('select status from deliveries where id = $1', [id]);
  return rows[0]?.status;
}

test('a workspace that many ensure at once is made once', async () => {
  const name = newId();
  const made = await Promise.all(
    Array.from({ length: 8 }, () => ensureWorkspace(database, { id: newId(), name, contract: 'standard' }, audit)),
  );
  expect(new Set(made.map(each => each.id)).size).toBe(1);
});

test('deleting a workspace revokes its keys and cancels its pending deliveries, and those of no other', async () => {
  const [gone, other] = [await makeWorkspace(), await makeWorkspace()];
  const secretHash = randomBytes(32);
  const key = { id: newId(), workspaceId: gone.id, name: 'a', scopes: ['read'] as const, secretHint: 'abcd' };
  expect(await insertApiKey(database, { ...key, secretHash }, audit)).toMatchObject({ scopes: ['read'] });
  expect(await findApiKeyAccess(database, secretHash)).toMatchObject({ workspaceId: gone.id, keyId: key.id });
  const [cancelled, kept] = [await insertPendingDelivery(gone.id), await insertPendingDelivery(other.id)];
  expect(await deleteWorkspace(database, gone.id, audit)).toBe(true);
  expect([await statusOf(cancelled), await statusOf(kept)]).toEqual(['cancelled', 'pending']);
  expect(await findApiKeyAccess(database, secretHash)).toBeNull();
  expect(await deleteWorkspace(database, gone.id, audit)).toBe(false);
});

test('a secret that is there already stays as it is, also when it was revoked', async () => {
  const workspace = await makeWorkspace();
  const key = { workspaceId: workspace.id, name: 'a', scopes: ['admin'] as const, secretHint: 'abcd' };
  const secretHash = randomBytes(32);
  await insertApiKey(database, { ...key, id: newId(), secretHash }, audit);
  await database.pool.query('update api_keys set revoked_at = now() where secret_hash = $1', [secretHash]);
  expect(await insertApiKey(database, { ...key, id: newId(), secretHash }, audit)).toBeNull();
  expect(await findApiKeyAccess(database, secretHash)).toBeNull();
});

test('an event type keeps what an update leaves out, and JSON texts as they are', async () => {
  const { id } = await makeWorkspace();
  const fields = { description: 'a', schema: '{"type":"object"}', example: '"\\u0000"' };
  expect(await insertEventType(database, id, 'call.ended', fields, audit)).toMatchObject({ example: '\u0000' });
  expect(await insertEventType(database, id, 'call.ended', fields, audit)).toBeNull();
  expect(
    await updateEventType(database, id, 'call.ended', { description: undefined, schema: null }, audit),
  ).toMatchObject({
    description: 'a',
    schema: null,
    example: '\u0000',
  });
  expect(await updateEventType(database, id, 'nothing', { schema: null }, audit)).toBeNull();
  const start = { key: 'call.ended', direction: 'forward', inclusive: false } as const;
  expect((await listEventTypes(database, id, { limit: 10, start })).rows).toEqual([]);
  // Two changes; what changed nothing does not count.
  expect(await loadCatalogue(database, id)).toEqual({
    revision: '3',
    eventTypes: [{ name: 'call.ended', schema: null }],
  });
  expect(await loadCatalogue(database, newId())).toEqual({ revision: '0', eventTypes: [] });
});
