import { z } from 'zod';
import { eventTypeName, jsonObject, jsonValue, text, time } from './fields.ts';

/** Bytes of JSON that the schema or the example of an event type may have. */
export const maxEventTypeSchemaBytes = 64 * 1024;

const schema = jsonObject(maxEventTypeSchemaBytes);
const example = jsonValue.refine(
  value => (JSON.stringify(value)?.length ?? 0) <= maxEventTypeSchemaBytes,
  `must not be larger than ${maxEventTypeSchemaBytes} bytes`,
);
const schemaMeta = {
  description: 'JSON Schema (2020-12) of the data: publishing data that break it is refused.',
  override: { type: 'object', additionalProperties: {} },
} as const;

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
