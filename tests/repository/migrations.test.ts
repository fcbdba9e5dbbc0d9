import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { createTestDatabase } from '@signpost/testing';

test('the migrations make what schema.prisma says', async () => {
  const database = await createTestDatabase();
  const script = path.resolve('scripts/check-migrations.ts');
  const environment = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: database.url };
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env: environment });
  expect(stdout).toContain('The migrations make what schema.prisma says.');
  await database.drop();
}, 60_000);
