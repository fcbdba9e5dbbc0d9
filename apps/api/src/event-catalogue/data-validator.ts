import type { FieldError } from '@signpost/api-schema';
import { Ajv2020, type ErrorObject, type SchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { runLimited } from './run-limited.ts';
import { hasUniqueItems } from './unique-items.ts';
import { isRiskySchema } from './schema-risk.ts';
import type { SchemaTime } from './schema-time.ts';

/** A JSON Schema (2020-12) turned into a function. */
export interface DataValidator {
  /**
   * @param dataBytes size of the data's JSON text: large data are validated under a time limit
   * @returns what is wrong, empty where nothing is; paths begin with `data`
   */
  validate(data: unknown, dataBytes: number): readonly FieldError[];
}

export type CompiledSchema =
  | { readonly kind: 'compiled'; readonly validator: DataValidator }
  /** Paths begin with `schema`. */
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

const maxErrors = 20;
const dialect = 'https://json-schema.org/draft/2020-12/schema';
/**
 * Validation and compilation hold up every other request of the process; they are stopped after this, in ms. Far above what
 * honest schemas take (a few ms for 256 KiB), because a machine that is short of time must not refuse good events.
 */
const timeLimitMs = 250;
const compileTimeLimitMs = 500;
/** Bytes of schema times bytes of data that are validated without a time limit, which costs 0.15 ms to set up. */
const freeWork = 4_000_000;
/** A run may take this much, in ms; what goes beyond is taken from the workspace's allowance. 256 KiB take 2 to 6 ms. */
const freeMs = (dataBytes: number): number => 1 + dataBytes / 30_000;
/** The same of a compilation; schemas of some dozens of properties take 1 to 3 ms. */
const freeCompileMs = 5;

let metaValidator: Ajv2020 | undefined;

/**
 * Checks a schema and compiles it. References stay within the schema: nothing is ever loaded.
 *
 * @param text the schema's JSON text
 * @param time what compiling and every validation are taken from; whether there is any left is for the caller to ask
 */
export function compileSchema(text: string, time: SchemaTime): CompiledSchema {
  const schema: SchemaObject = JSON.parse(text);
  if (schema['$schema'] !== undefined && schema['$schema'] !== dialect)
    return invalid([{ path: 'schema.$schema', message: `must be ${dialect}` }]);
  // Compiling the meta-schema takes 50 ms: once, when the first schema comes.
  const meta = (metaValidator ??= new Ajv2020({ allErrors: true, strict: false, logger: false }));
  return time.charge(freeCompileMs, () => checkAndCompile(meta, schema, text.length, time));
}

function checkAndCompile(meta: Ajv2020, schema: SchemaObject, schemaBytes: number, time: SchemaTime): CompiledSchema {
  if (meta.validateSchema(schema) !== true) return invalid(toFieldErrors('schema', meta.errors ?? []));
  try {
    const compiled = runLimited(() => createAjv().compile(schema), compileTimeLimitMs);
    if (compiled.kind === 'timeout') return invalid([{ path: 'schema', message: 'takes too long to compile' }]);
    return { kind: 'compiled', validator: createValidator(compiled.result, schema, schemaBytes, time) };
  } catch (error) {
    return invalid([{ path: 'schema', message: error instanceof Error ? error.message : 'cannot be compiled' }]);
  }
}

function invalid(errors: readonly FieldError[]): CompiledSchema {
  return { kind: 'invalid', errors };
}

/** One for each schema: an `$id` must not meet those of others. */
function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    // Without it, `properties.constructor` looks at what every object inherits.
    ownProperties: true,
  });
  addFormats.default(ajv);
  // Ajv compares every item with every other one: 40,000 of them take seconds.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (unique: boolean, items: unknown[]) => !unique || hasUniqueItems(items),
    error: { message: 'must NOT have duplicate items' },
  });
  return ajv;
}

function createValidator(
  validate: ValidateFunction,
  schema: unknown,
  schemaBytes: number,
  time: SchemaTime,
): DataValidator {
  const risky = isRiskySchema(schema);
  const run = (data: unknown, limited: boolean): readonly FieldError[] => {
    try {
      const outcome = limited
        ? runLimited(() => validate(data), timeLimitMs)
        : ({ kind: 'done', result: validate(data) } as const);
      if (outcome.kind === 'timeout') return tooExpensive;
      return outcome.result === true ? [] : toFieldErrors('data', validate.errors ?? []);
    } catch (error) {
      // A schema that refers to itself without end runs out of stack.
      if (error instanceof RangeError) return tooExpensive;
      throw error;
    }
  };
  return {
    validate: (data, dataBytes) =>
      time.charge(freeMs(dataBytes), () => run(data, risky || schemaBytes * dataBytes > freeWork)),
  };
}

const tooExpensive: readonly FieldError[] = [
  { path: 'data', message: `could not be validated: the schema of the event type takes more than ${timeLimitMs} ms` },
];

/** One message for each place. */
function toFieldErrors(place: string, errors: readonly ErrorObject[]): FieldError[] {
  const byPath = new Map<string, FieldError>();
  for (const error of errors) {
    const fieldError = toFieldError(place, error);
    if (!byPath.has(fieldError.path)) byPath.set(fieldError.path, fieldError);
    if (byPath.size === maxErrors) break;
  }
  return [...byPath.values()];
}

function toFieldError(place: string, { instancePath, keyword, params, message }: ErrorObject): FieldError {
  const path = formatPointer(place, instancePath);
  if (keyword === 'required') return { path: `${path}.${params['missingProperty']}`, message: 'is required' };
  if (keyword === 'additionalProperties')
    return { path: `${path}.${params['additionalProperty']}`, message: 'is not allowed' };
  if (keyword === 'enum') return { path, message: `must be one of ${listOf(params['allowedValues'])}` };
  if (keyword === 'const') return { path, message: `must be ${listOf([params['allowedValue']])}` };
  return { path, message: message ?? 'is not valid' };
}

/** Values of a message; a schema may have thousands, and long ones. */
const maxShownValues = 10;
const maxShownLength = 200;

function listOf(values: readonly unknown[]): string {
  const text = values
    .slice(0, maxShownValues)
    .map(value => JSON.stringify(value))
    .join(', ');
  return values.length > maxShownValues || text.length > maxShownLength ? `${text.slice(0, maxShownLength)} …` : text;
}

/** `/items/3/id` (RFC 6901) as `data.items[3].id`. */
function formatPointer(place: string, pointer: string): string {
  const parts = pointer.split('/').slice(1);
  return parts.reduce((path, part) => {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    return path + (/^\d+$/.test(name) ? `[${name}]` : `.${name}`);
  }, place);
}
