// Runs once before all test files: one Postgres with a migrated template, for createTestDatabase() of @signpost/testing.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { startTestDatabaseServer } from '@signpost/testing';
import { runningServers } from './jest-running-servers.ts';

export default async function setUp(): Promise<void> {
  const migrations = path.resolve(import.meta.dirname, '../prisma/migrations');
  if (!existsSync(migrations)) mkdirSync(migrations, { recursive: true });
  runningServers.push(await startTestDatabaseServer(migrations));
}
