import { defineConfig } from 'prisma/config';

// `prisma generate`, `validate` and `format` never run the schema engine, yet the CLI insists that its file exists and
// would download it. This file is read before that check: any existing file satisfies it, and no network is needed.
if (/^(generate|validate|format)$/.test(process.argv[2] ?? '')) {
  process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;
}

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env['DATABASE_URL'] ?? 'postgresql://localhost:5432/signpost' },
});
