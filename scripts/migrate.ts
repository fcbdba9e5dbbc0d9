// Applies prisma/migrations to the database of DATABASE_URL. For production: run it before the new version starts; several
// at once are fine.
import path from 'node:path';
import { applyMigrations, MigrationError } from '@signpost/stores';

const databaseUrl = process.env.DATABASE_URL;
if (databaseUrl === undefined || databaseUrl === '') {
  process.stderr.write(
    'Set DATABASE_URL to the database to migrate, e.g. postgresql://user:password@host:5432/signpost\n',
  );
  process.exit(1);
}
try {
  const { applied, edited } = await applyMigrations(
    databaseUrl,
    path.resolve(import.meta.dirname, '../prisma/migrations'),
  );
  for (const name of edited) process.stderr.write(`Migration ${name} was changed after it had been applied here.\n`);
  for (const name of applied) process.stdout.write(`Applied ${name}\n`);
  if (applied.length === 0) process.stdout.write('The database is up to date.\n');
} catch (error) {
  const reason = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code : String(error);
  process.stderr.write(error instanceof MigrationError ? `${reason}\n` : `Cannot use the database: ${reason}\n`);
  process.exit(1);
}
