import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '@signpost/database';
import { createEncryption, makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { createWebhookTargets } from './webhook-targets.ts';

let testDatabase: TestDatabase;
let database: Database;
const workspaceId = makeUuid(systemClock.nowMs());
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 2,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
  await database.pool.query('insert into workspaces (id, name) values ($1, $2)', [workspaceId, 'kept']);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

/** A webhook whose headers are this long together. @returns its id */
async function makeWebhook(headerCharacters: number): Promise<string> {
  const id = makeUuid(systemClock.nowMs());
  const headers = { 'X-Long': 'x'.repeat(headerCharacters) };
  await database.pool.query(
    `insert into webhooks (id, workspace_id, url, event_types, headers) values ($1, $2, 'https://example.com/old', '{*}', $3)`,
    [id, workspaceId, JSON.stringify(headers)],
  );
  return id;
}

test('webhooks are kept while there is room for them, by their size', async () => {
  const encryption = createEncryption(randomBytes(32).toString('base64'));
  // Nobody changes a URL like this, without a new version: it shows what was kept.
  const forgetsAfter = async (others: number, headerCharacters: number): Promise<boolean> => {
    const targets = createWebhookTargets(database, encryption, 100_000);
    const id = await makeWebhook(10);
    expect((await targets.get(id, 1))?.url).toBe('https://example.com/old');
    for (let n = 0; n < others; n += 1) await targets.get(await makeWebhook(headerCharacters), 1);
    await database.pool.query(`update webhooks set url = 'https://example.com/new' where id = $1`, [id]);
    return (await targets.get(id, 1))?.url === 'https://example.com/new';
  };
  expect(await forgetsAfter(3, 10)).toBe(false);
  expect(await forgetsAfter(3, 20_000)).toBe(false);
  expect(await forgetsAfter(3, 40_000)).toBe(true);
});
