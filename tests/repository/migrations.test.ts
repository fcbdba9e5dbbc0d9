import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { createTestDatabase } from '@signpost/testing';
import pg from 'pg';

test('the migrations make what schema.prisma says', async () => {
  const database = await createTestDatabase();
  const script = path.resolve('scripts/check-migrations.ts');
  const environment = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: database.url };
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env: environment });
  expect(stdout).toContain('The migrations make what schema.prisma says.');
  await database.drop();
}, 60_000);

test('contracts that were made with a jitter above a tenth have a tenth now, and are the same otherwise', async () => {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const document = (jitter: string) =>
    `{"name":"own", "retry": {"schedule_seconds": [5, 60],\n "jitter_ratio": ${jitter}}, "description":"\\"jitter_ratio\\": 1", "z":1, "a":{"jitter_ratio":3}}`;
  await client.query(`insert into workspaces (id, name) values (gen_random_uuid(), 'jitter')`);
  const jitters = ['0.5', '1e0', '0.1', '0.05', '0'];
  for (const [version, jitter] of jitters.entries())
    await client.query(
      `insert into contracts (workspace_id, name, version, document) select id, 'own', $1, $2 from workspaces`,
      [version, document(jitter)],
    );
  await client.query(readFileSync('prisma/migrations/20261122090000_contract_jitter/migration.sql', 'utf8'));
  const { rows } = await client.query('select document::text from contracts order by version');
  expect(rows.map(row => row.document)).toEqual(['0.1', '0.1', '0.1', '0.05', '0'].map(document));
  await client.end();
  await database.drop();
});
