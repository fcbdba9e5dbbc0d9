import { z } from 'zod';
import { deliverySchema } from './delivery.ts';
import { channels, eventTypeName, jsonObject, jsonValue, listOf, pageQuery, subject, time, typeId } from './fields.ts';

/** Bytes that one published event may have, as JSON text. */
export const maxEventBytes = 256 * 1024;
/** Bytes that the body of a batch may have. */
export const maxBatchBytes = 10 * 1024 * 1024;
export const maxBatchEvents = 1000;

/** Any header value without control characters; a structured string `"…"` means what stands between its quotes. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
  .meta({
    description:
      'Publishing with the same key again gives the first event. In the header, `"a"` and `a` are one key, and it is sent once.',
    example: 'order-1842-paid',
  });

const publishMetadata = jsonObject(16 * 1024).meta({
  description: 'Kept with the event; contracts may send it.',
  override: { type: 'object', additionalProperties: {} },
});

export const publishEventSchema = z
  .strictObject({
    event_type: eventTypeName,
    data: jsonValue.meta({
      description:
        'What happened: any JSON value, 63 levels deep at most. Delivered byte for byte; of members with one name, all are delivered and the last is validated.',
      override: {},
    }),
    timestamp: time.optional().meta({ description: 'When it happened; now if it is missing.' }),
    subject: subject.nullable().optional(),
    channels: channels.optional(),
    metadata: publishMetadata.nullable().optional(),
    idempotency_key: idempotencyKey.optional(),
  })
  .meta({ id: 'PublishEvent' });
export type PublishEventBody = z.infer<typeof publishEventSchema>;

export const publishedEventSchema = z
  .object({
    id: typeId('evt', 'Id of the event.'),
    event_type: z.string(),
    timestamp: time,
    duplicate: z
      .boolean()
      .meta({ description: 'True where the idempotency key was used before: nothing new happened.' }),
  })
  .meta({ id: 'PublishedEvent' });
export type PublishedEventBody = z.infer<typeof publishedEventSchema>;

/** Items are validated one by one with `publishEventSchema`: a bad one does not stop the others. */
export const publishBatchSchema = z
  .strictObject({
    events: z
      .array(z.custom<unknown>().meta({ override: { $ref: '#/components/schemas/PublishEvent' } }))
      .min(1)
      .max(maxBatchEvents),
  })
  .meta({ id: 'PublishBatch' });

const batchErrorSchema = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export const publishedBatchSchema = z
  .object({
    data: z
      .array(
        z.union([
          z.object({ id: typeId('evt', 'Id of the event.'), duplicate: z.boolean() }),
          z.object({ error: batchErrorSchema }),
        ]),
      )
      .meta({ description: 'In the order of the request.' }),
  })
  .meta({ id: 'PublishedBatch' });
export type PublishedBatchBody = z.infer<typeof publishedBatchSchema>;

const eventFields = {
  id: typeId('evt', 'Id of the event.'),
  event_type: z.string(),
  timestamp: time,
  subject: z.string().nullable(),
  channels: z.array(z.string()),
  metadata: z.custom<unknown>().meta({ override: { type: ['object', 'null'], additionalProperties: {} } }),
  created_at: time,
};
export const eventSchema = z
  .object({
    ...eventFields,
    data: z
      .custom<unknown>()
      .meta({ override: {}, description: 'As it was published, byte for byte; null once it is expunged.' }),
    payload_expunged_at: time
      .nullable()
      .meta({ description: 'When `data` and `metadata` were taken away; null: they are as they were published.' }),
    fanned_out: z.boolean().meta({
      description:
        'Whether its deliveries have been made. Also true where none will be: its payload was expunged before.',
    }),
    matched_webhooks: z
      .int()
      .nullable()
      .meta({ description: 'How many webhooks got it: 0, and nobody subscribes to it. Null until it is fanned out.' }),
    deliveries: z.array(deliverySchema).meta({
      description: 'The first of them: 100, in lists 10. All: `GET /v1/deliveries?event_id=`.',
    }),
  })
  .meta({ id: 'Event' });
export const eventListSchema = listOf(eventSchema);

export const listEventsQuery = z.strictObject({
  ...pageQuery,
  event_type: eventTypeName.optional(),
  subject: subject.optional(),
  since: time.optional().meta({ description: 'Published at or after.' }),
  until: time.optional().meta({ description: 'Published before.' }),
});
