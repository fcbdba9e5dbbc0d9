// Says whether the migrations make what schema.prisma says: `npm run migrations:check`. With a name, writes what is missing as
// a new migration to look over and finish by hand: `npm run migrations:check -- add_column`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startPostgres } from '@signpost/stores';
import { diffMigrationsWithSchema } from './migrations/schema-engine.ts';

const name = process.argv[2];
const given = process.env['DATABASE_URL'];
const postgres =
  given === undefined
    ? await startPostgres({ dir: await mkdtemp(path.join(tmpdir(), 'signpost-migrations-')), durability: 'throwaway' })
    : null;
try {
  const { sql } = await diffMigrationsWithSchema(given ?? postgres?.url ?? '');
  if (sql === null) console.log('The migrations make what schema.prisma says.');
  else if (name === undefined) {
    console.log(`The migrations differ from schema.prisma. Missing:\n\n${sql}`);
    process.exitCode = 1;
  } else {
    const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
    const folder = path.resolve(import.meta.dirname, '../prisma/migrations', `${stamp}_${name}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'migration.sql'), sql);
    console.log(`Wrote ${folder}/migration.sql`);
  }
} finally {
  await postgres?.stop();
}
// The engine leaves a timer of ten seconds behind.
process.exit();
