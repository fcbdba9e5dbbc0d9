import type { EventTypeBody, FieldError } from '@signpost/api-schema';
import type { EventType } from '@signpost/database';
import { compileSchema } from '../../event-catalogue/data-validator.ts';
import { schemasRest } from '../../event-catalogue/schemas-rest.ts';
import type { SchemaTime } from '../../event-catalogue/schema-time.ts';
import type { Problem } from '../../errors/problem.ts';
import { validationFailed } from '../../middleware/validate-input.ts';

export function eventTypeBody({ name, description, schema, example, createdAt, updatedAt }: EventType): EventTypeBody {
  return {
    name,
    description,
    schema,
    example,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}

/** Stored JSON text; undefined and null are left to their meaning. */
export function toJsonText<Absent extends undefined>(value: unknown): string | null | Absent {
  return value === undefined ? (undefined as Absent) : value === null ? null : JSON.stringify(value);
}

/**
 * Whether a schema is JSON Schema, and its example fits it.
 *
 * @param schema null: none
 * @param example undefined or null: none
 * @param time of the workspace
 */
export function checkSchema(schema: unknown, example: unknown, time: SchemaTime): Problem | null {
  if (schema === null || schema === undefined) return null;
  const restMs = time.restMs();
  if (restMs > 0) return schemasRest(restMs);
  const compiled = compileSchema(JSON.stringify(schema), time);
  if (compiled.kind === 'invalid') return validationFailed(inBody(compiled.errors));
  if (example === undefined || example === null) return null;
  const errors = compiled.validator.validate(example, JSON.stringify(example).length);
  if (errors.length === 0) return null;
  return validationFailed(
    inBody(errors.map(({ path, message }) => ({ path: path.replace(/^data/, 'example'), message }))),
  );
}

function inBody(errors: readonly FieldError[]): FieldError[] {
  return errors.map(({ path, message }) => ({ path: `body.${path}`, message }));
}
