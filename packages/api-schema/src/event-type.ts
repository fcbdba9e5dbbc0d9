import { z } from 'zod';
import { countBytes, eventTypeName, jsonObject, jsonValue, text, time } from './fields.ts';

/** Bytes of JSON that the schema or the example of an event type may have. */
export const maxEventTypeSchemaBytes = 64 * 1024;

const schema = jsonObject(maxEventTypeSchemaBytes);
const example = jsonValue.refine(
  value => countBytes(JSON.stringify(value) ?? '') <= maxEventTypeSchemaBytes,
  `must have at most ${maxEventTypeSchemaBytes} bytes of JSON text`,
);
const schemaMeta = {
  description: 'JSON Schema (2020-12) of the data: publishing data that break it is refused.',
  override: ({
    jsonSchema,
  }: {
    readonly jsonSchema: { anyOf?: unknown; type?: unknown; additionalProperties?: unknown };
  }) => {
    delete jsonSchema.anyOf;
    Object.assign(jsonSchema, { type: ['object', 'null'], additionalProperties: {} });
  },
};

export const createEventTypeSchema = z
  .strictObject({
    name: eventTypeName,
    description: text(1000).nullable().optional(),
    schema: schema.nullable().optional().meta(schemaMeta),
    example: example.optional().meta({ description: 'One realistic value of the data.' }),
  })
  .meta({ id: 'CreateEventType' });

/** null clears a field, a missing one stays. */
export const updateEventTypeSchema = createEventTypeSchema.omit({ name: true }).meta({ id: 'UpdateEventType' });

export const eventTypeSchema = z
  .object({
    name: eventTypeName,
    description: z.string().nullable(),
    schema: z.custom().meta({ override: { type: ['object', 'null'], additionalProperties: {} } }),
    example: z.custom().meta({ override: {} }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'EventType' });
export interface EventTypeBody {
  readonly name: string;
  readonly description: string | null;
  readonly schema: unknown;
  readonly example: unknown;
  readonly created_at: string;
  readonly updated_at: string;
}
