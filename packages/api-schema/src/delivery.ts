import { z } from 'zod';
import { attemptPhases, attemptStatuses, attemptTriggers, deliveryStatuses, receipts } from '@signpost/delivery';
import { eventTypeName, listOf, pageQuery, queryInteger, time, typeId } from './fields.ts';

export const deliverySchema = z
  .object({
    id: typeId('del', 'Id of the delivery.'),
    event_id: typeId('evt', 'Its event.'),
    event_type: z.string(),
    webhook_id: typeId('wh', 'Its webhook, which may have been deleted since.'),
    status: z.enum(deliveryStatuses),
    attempt_count: z.int(),
    next_attempt_at: time.nullable(),
    created_at: time,
    completed_at: time.nullable(),
  })
  .meta({ id: 'Delivery' });
export type DeliveryBody = z.infer<typeof deliverySchema>;

const phaseMs = (description: string) => z.int().nullable().meta({ description });

const attemptTimingsSchema = z
  .object({
    dns_ms: phaseMs('Resolving the host name.'),
    connect_ms: phaseMs('Establishing the TCP connection.'),
    tls_ms: phaseMs('The TLS handshake.'),
    first_byte_ms: phaseMs('From the first byte of the request to the first byte of the answer.'),
    total_ms: phaseMs('Everything; the same as `duration_ms`.'),
  })
  .meta({ description: 'In ms; null where the attempt did not go through that phase or did not get through it.' });

export const attemptSchema = z
  .object({
    id: typeId('att', 'Id of the attempt.'),
    delivery_id: typeId('del', 'Its delivery.'),
    number: z.int(),
    trigger: z.enum(attemptTriggers),
    started_at: time,
    duration_ms: z.int().nullable().meta({ description: 'Null where nobody saw the end: the dispatcher died.' }),
    status: z.enum(attemptStatuses),
    received: z.enum(receipts).meta({
      description: 'Whether the receiver has the request: yes, it answered; no; or unknown, it may have it.',
    }),
    phase: z.enum(attemptPhases).nullable().meta({ description: 'How far the attempt got; null where nobody saw it.' }),
    timings: attemptTimingsSchema,
    response_code: z.int().nullable(),
    error: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why it failed; or `superseded`: however it ended, it does not count.' }),
    request: z.object({
      method: z.string(),
      url: z.string(),
      headers: z.record(z.string(), z.string()).meta({
        description: 'Values of sensitive headers are hidden. Empty once the payload of the event is expunged.',
      }),
      body: z.string().nullable().meta({
        description:
          'Null where it is not known any more: the event, its payload, or the webhook with its contract, is gone.',
      }),
    }),
    response: z
      .object({
        headers: z.record(z.string(), z.string()).meta({
          description:
            'Values of sensitive headers are hidden, and of `location`, `content-location` and `refresh` user, password, query and fragment.',
        }),
        body: z.string().nullable().meta({
          description: 'Where it repeats values of sensitive headers of the request, `[hidden]` stands in their place.',
        }),
        body_truncated: z.boolean(),
      })
      .nullable()
      .meta({
        description:
          'Null where no response arrived. Without headers and body once the payload of the event is expunged.',
      }),
  })
  .meta({ id: 'Attempt' });
export type AttemptBody = z.infer<typeof attemptSchema>;

/** Attempts in one answer. */
export const maxShownAttempts = 100;

export const deliveryWithAttemptsSchema = deliverySchema
  .extend({
    attempts: z.array(attemptSchema).meta({
      description: `The newest, first to last: ${maxShownAttempts} at most, and fewer where they hold more than 4 MiB.`,
    }),
    earlier_attempts: z.int().meta({ description: 'How many earlier attempts there are that `attempts` leaves out.' }),
  })
  .meta({ id: 'DeliveryWithAttempts' });
export const deliveryListSchema = listOf(deliverySchema);

export const listDeliveriesQuery = z.strictObject({
  ...pageQuery,
  webhook_id: typeId('wh', 'Only to this webhook.').optional(),
  event_id: typeId('evt', 'Only of this event.').optional(),
  event_type: eventTypeName.optional(),
  status: z.enum(deliveryStatuses).optional(),
  since: time.optional().meta({ description: 'Of events published at or after.' }),
  until: time.optional().meta({ description: 'Of events published before.' }),
  response_code: queryInteger(100, 999).optional().meta({ description: 'Of the last attempt.' }),
});
