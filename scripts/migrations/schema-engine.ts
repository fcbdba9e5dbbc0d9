// Prisma's schema engine as WebAssembly, for writing and checking migrations in development. The engine that Prisma's CLI
// would use is a binary that it downloads; this one comes with npm. Nothing of this runs in production: there the plain SQL
// of the migrations is applied (packages/stores/src/migrations.ts).
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';

const repository = path.resolve(import.meta.dirname, '../..');
const migrationsFolder = path.join(repository, 'prisma/migrations');
const schemaFile = path.join(repository, 'prisma/schema.prisma');

export interface SchemaDifference {
  /** SQL that would bring a database with all migrations to what schema.prisma says; null where they agree. */
  readonly sql: string | null;
}

/**
 * Compares what the migrations make with what schema.prisma says. The migrations are applied to a database of their own on
 * the same server, which is deleted again.
 *
 * @param databaseUrl a database on a server where databases may be created; it is not changed
 */
export async function diffMigrationsWithSchema(databaseUrl: string): Promise<SchemaDifference> {
  const SchemaEngine = await loadEngine();
  const schema = { files: [{ path: schemaFile, content: readFileSync(schemaFile, 'utf8') }] };
  const datamodels = schema.files.map((file): [string, string] => [file.path, file.content]);
  const adapter = bindMigrationAwareSqlAdapterFactory(new MigrationAdapter(connectionOptions(databaseUrl)));
  const engine = await SchemaEngine.new({ datamodels }, () => {}, adapter);
  try {
    const result = await engine.diff({
      from: { tag: 'migrations', ...listMigrations() },
      to: { tag: 'schemaDatamodel', ...schema },
      script: true,
      exitCode: true,
      filters: { externalTables: [], externalEnums: [] },
    });
    return { sql: result.exitCode === 0 ? null : (result.stdout ?? '') };
  } finally {
    engine.free();
  }
}

function listMigrations() {
  const names = readdirSync(migrationsFolder, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort();
  const read = (...parts: string[]): string => readFileSync(path.join(migrationsFolder, ...parts), 'utf8');
  return {
    baseDir: migrationsFolder,
    shadowDbInitScript: '',
    lockfile: { path: 'migration_lock.toml', content: read('migration_lock.toml') },
    migrationDirectories: names.map(name => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: read(name, 'migration.sql') },
      },
    })),
  };
}

/**
 * Never a connection string: for its shadow database the adapter adds `database` to these options, `pg` lets a connection
 * string win over it, and the "shadow" would be the real database.
 */
function connectionOptions(databaseUrl: string) {
  const url = new URL(databaseUrl);
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
    max: 2,
    idleTimeoutMillis: 100,
    allowExitOnIdle: true,
  };
}

/** Node's, as far as it is used here; TypeScript knows it only with the browser's library. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    instantiate(bytes: Buffer, imports: object): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
  };
};

/** The package's own entry imports the .wasm as a module, which is for bundlers; so it is put together here. */
async function loadEngine(): Promise<typeof bindings.SchemaEngine> {
  const folder = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg'));
  const bytes = readFileSync(path.join(folder, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': bindings });
  (bindings as unknown as { __wbg_set_wasm(exports: object): void }).__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panicRegistry });
  return bindings.SchemaEngine;
}

/** Where the engine leaves the message of a panic. */
const panicRegistry = {
  message: '',
  get: (): string => panicRegistry.message,
  set_message: (message: string): void => {
    panicRegistry.message = message;
  },
};

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;
type ResultSet = Awaited<ReturnType<Adapter['queryRaw']>>;
interface DriverResult {
  readonly fields: readonly { readonly dataTypeID: number }[];
}

/** Postgres's internal type "char", which the catalogue is full of. */
const charOid = 18;
const textOid = 25;

class MigrationAdapter extends PrismaPg {
  override async connect(): Promise<Adapter> {
    return mend(await super.connect());
  }
  override async connectToShadowDb(): Promise<Adapter> {
    return mend(await super.connectToShadowDb());
  }
}

/**
 * Two faults of the adapter matter here: it refuses columns of the type "char", and it splits scripts at every semicolon,
 * function bodies included. So "char" is read as text and said to be a character, and a script goes out in one piece.
 */
function mend(adapter: Adapter): Adapter {
  const driver = adapter as unknown as { performIO(query: unknown): Promise<DriverResult> };
  const original = Object.getPrototypeOf(Object.getPrototypeOf(adapter)) as Adapter;
  adapter.queryRaw = async query => {
    const result = await driver.performIO(query);
    const chars = result.fields.flatMap((field, index) => (field.dataTypeID === charOid ? [index] : []));
    const fields = result.fields.map(field =>
      field.dataTypeID === charOid ? { ...field, dataTypeID: textOid } : field,
    );
    const view = Object.create(adapter, { performIO: { value: async () => ({ ...result, fields }) } }) as Adapter;
    const set: ResultSet = await original.queryRaw.call(view, query);
    for (const index of chars) set.columnTypes[index] = ColumnTypeEnum.Character;
    return set;
  };
  adapter.executeScript = async script => {
    await adapter.underlyingDriver().query(script);
  };
  return adapter;
}
