import type { FieldError } from '@signpost/api-schema';
import { type Database, loadCatalogue } from '@signpost/database';
import { matchesEventType } from '@signpost/delivery';
import { compileSchema, type DataValidator } from './data-validator.ts';
import { findNearestName } from './nearest-name.ts';
import { patternsOf } from './patterns-of.ts';
import { createSchemaTimes, type SchemaTime } from './schema-time.ts';

export type EventVerdict =
  | { readonly kind: 'accepted' }
  /** `findNearest`: the event type that may have been meant, or null; takes up to some milliseconds. */
  | { readonly kind: 'unknown_type'; readonly findNearest: () => string | null }
  /** The schemas of the workspace have taken too much time lately. */
  | { readonly kind: 'schema_resting'; readonly restMs: number }
  /** Paths begin with `data`. */
  | { readonly kind: 'data_invalid'; readonly errors: readonly FieldError[] };

export type PatternsVerdict =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'unknown_type';
      readonly index: number;
      readonly pattern: string;
      readonly nearest: string | null;
    };

/** What the event types of a workspace allow. A workspace without event types allows everything. */
export interface EventCatalogue {
  /**
   * @param revision of the workspace's catalogue, from its access: an older copy is read anew
   * @param dataBytes size of the data's JSON text
   */
  check(
    workspaceId: string,
    revision: string,
    eventType: string,
    data: unknown,
    dataBytes: number,
  ): Promise<EventVerdict>;
  /** Whether each subscription pattern can match: an event type that exists, or the beginning of one. */
  checkPatterns(workspaceId: string, revision: string, patterns: readonly string[]): Promise<PatternsVerdict>;
  /** What the workspace's schemas may take, also where they are not (yet) part of its catalogue. */
  timeOf(workspaceId: string): SchemaTime;
}

interface Catalogue {
  readonly revision: bigint;
  /** JSON texts of the schemas, by event type. */
  readonly schemas: ReadonlyMap<string, string | null>;
  readonly validators: Map<string, DataValidator | null>;
  readonly time: SchemaTime;
  readonly bytes: number;
}

/** Bounds the memory of cached schemas and what is compiled of them; beyond it, the longest kept workspace makes room. */
const maxCachedBytes = 64 * 1024 * 1024;
/** A compiled validator takes many times the bytes of its schema. */
const validatorFactor = 10;
/** Counted for a workspace without any schema. */
const entryBytes = 1024;

const accepted = { kind: 'accepted' } as const;

export function createEventCatalogue(database: Database): EventCatalogue {
  const cached = new Map<string, Catalogue>();
  const loading = new Map<string, Promise<Catalogue>>();
  const timeOf = createSchemaTimes();
  let cachedBytes = 0;

  const drop = (workspaceId: string): void => {
    cachedBytes -= cached.get(workspaceId)?.bytes ?? 0;
    cached.delete(workspaceId);
  };
  const load = async (workspaceId: string): Promise<Catalogue> => {
    try {
      const loaded = await loadCatalogue(database, workspaceId);
      const catalogue = toCatalogue(loaded, cached.get(workspaceId), timeOf(workspaceId));
      drop(workspaceId);
      cached.set(workspaceId, catalogue);
      cachedBytes += catalogue.bytes;
      for (const oldest of cached.keys()) {
        if (cachedBytes <= maxCachedBytes || oldest === workspaceId) break;
        drop(oldest);
      }
      return catalogue;
    } finally {
      loading.delete(workspaceId);
    }
  };
  const find = (workspaceId: string, revision: string): Catalogue | Promise<Catalogue> => {
    const known = cached.get(workspaceId);
    if (known !== undefined && known.revision >= BigInt(revision)) return known;
    const running = loading.get(workspaceId) ?? load(workspaceId);
    loading.set(workspaceId, running);
    return running;
  };

  return {
    timeOf,
    async check(workspaceId, revision, eventType, data, dataBytes) {
      const { schemas, validators, time } = await find(workspaceId, revision);
      if (schemas.size === 0) return accepted;
      const schema = schemas.get(eventType);
      if (schema === undefined)
        return { kind: 'unknown_type', findNearest: () => findNearestName(eventType, schemas.keys()) };
      if (schema === null) return accepted;
      const restMs = time.restMs();
      if (restMs > 0) return { kind: 'schema_resting', restMs };
      const validator = validatorOf(validators, eventType, schema, time);
      const errors = validator?.validate(data, dataBytes) ?? [];
      return errors.length === 0 ? accepted : { kind: 'data_invalid', errors };
    },
    async checkPatterns(workspaceId, revision, patterns) {
      const { schemas } = await find(workspaceId, revision);
      if (schemas.size === 0) return accepted;
      const names = [...schemas.keys()];
      const index = patterns.findIndex(pattern => !names.some(name => matchesEventType(pattern, name)));
      if (index === -1) return accepted;
      const pattern = patterns[index] as string;
      return { kind: 'unknown_type', index, pattern, nearest: findNearestName(pattern, patternsOf(names)) };
    },
  };
}

/** What is compiled of a schema serves on where the schema stayed as it was. */
function toCatalogue(
  { revision, eventTypes }: Awaited<ReturnType<typeof loadCatalogue>>,
  earlier: Catalogue | undefined,
  time: SchemaTime,
): Catalogue {
  const bytes = eventTypes.reduce((sum, { name, schema }) => sum + name.length + (schema?.length ?? 0), 0);
  const validators: Catalogue['validators'] = new Map();
  for (const { name, schema } of eventTypes) {
    const validator = earlier?.schemas.get(name) === schema ? earlier?.validators.get(name) : undefined;
    if (validator) validators.set(name, validator);
  }
  return {
    revision: BigInt(revision),
    schemas: new Map(eventTypes.map(({ name, schema }) => [name, schema])),
    validators,
    time,
    bytes: entryBytes + bytes * validatorFactor,
  };
}

/** Compiled when the first event of its type comes. A schema that does not compile any more refuses nothing. */
function validatorOf(
  validators: Catalogue['validators'],
  eventType: string,
  schema: string,
  time: SchemaTime,
): DataValidator | null {
  let validator = validators.get(eventType);
  if (validator === undefined) {
    const compiled = compileSchema(schema, time);
    validator = compiled.kind === 'compiled' ? compiled.validator : null;
    validators.set(eventType, validator);
  }
  return validator;
}
