import { z } from 'zod';
import type { DeliveryMethod } from '@signpost/contracts';
import {
  channels,
  contractName,
  eventTypeName,
  eventTypePattern,
  jsonObject,
  listOf,
  pageQuery,
  subject,
  text,
  time,
  typeId,
} from './fields.ts';
import { findHeaderFaults } from './webhook-headers.ts';

const methods = ['POST', 'PUT', 'PATCH'] as const satisfies readonly DeliveryMethod[];

const daySeconds = 24 * 3600;

const headers = z
  .custom<Readonly<Record<string, string>>>(() => true)
  .superRefine((value, context) => {
    for (const { name, message } of findHeaderFaults(value))
      context.addIssue({ code: 'custom', path: name === null ? [] : [name], message });
  })
  .meta({
    description: 'Extra headers of every request. Those that Signpost sets itself are refused.',
    override: { type: 'object', additionalProperties: { type: 'string' } },
  });

const metadata = jsonObject(16 * 1024).meta({
  description: 'Whatever you want to keep with it; never sent.',
  override: { type: 'object', additionalProperties: {} },
});

const secret = text(512).meta({
  description: 'A signing secret of your own, in the form of the contract; one is made if it is missing.',
});

const fields = {
  url: text(2048).meta({ description: 'Where to deliver to.', example: 'https://example.com/hooks' }),
  events: z
    .array(eventTypePattern)
    .min(1)
    .max(100)
    .meta({ description: 'Event types: `call.ended`, everything below a prefix: `call.*`, or everything: `*`.' }),
  description: text(500).nullable().optional(),
  contract: contractName.nullable().optional(),
  method: z
    .enum(methods)
    .nullable()
    .optional()
    .meta({ description: "One of the contract's methods; null: its first." }),
  headers: headers.optional(),
  timeout_ms: z
    .int()
    .min(1000)
    .max(30_000)
    .nullable()
    .optional()
    .meta({ description: "Deadline of an attempt; null: the contract's." }),
  retry_schedule: z
    .array(
      z
        .int()
        .min(1)
        .max(7 * daySeconds),
    )
    .max(20)
    .nullable()
    .optional()
    .meta({ description: "Seconds after each failed attempt; empty: no retries; null: the contract's." }),
  subject: subject.nullable().optional().meta({ description: 'Only events with this subject.' }),
  channels: channels.optional().meta({ description: 'Only events with at least one of these channels.' }),
  metadata: metadata.optional(),
  active: z.boolean().optional().meta({ description: 'An inactive webhook gets nothing. Default true.' }),
};

export const createWebhookSchema = z
  .strictObject({ ...fields, secret: secret.optional() })
  .meta({ id: 'CreateWebhook' });

/** null clears a field, a missing one stays. */
export const updateWebhookSchema = z
  .strictObject({ ...fields, url: fields.url.optional(), events: fields.events.optional() })
  .meta({ id: 'UpdateWebhook' });

export const webhookSchema = z
  .object({
    id: typeId('wh', 'Id of the webhook.'),
    url: z.string(),
    events: z.array(z.string()),
    description: z.string().nullable(),
    contract: z.string().nullable(),
    method: z.string().nullable(),
    headers: z.record(z.string(), z.string()).meta({ description: 'Values of sensitive headers are hidden.' }),
    timeout_ms: z.int().nullable(),
    retry_schedule: z.array(z.int()).nullable(),
    subject: z.string().nullable(),
    channels: z.array(z.string()),
    metadata: z.custom<unknown>().meta({ override: { type: 'object', additionalProperties: {} } }),
    active: z.boolean(),
    deactivated_reason: z.string().nullable().meta({ description: 'Why Signpost deactivated it, if it did.' }),
    retry_after: time.nullable().meta({
      description: 'Until then deliveries wait: the receiver asked for it with `Retry-After`. Null: they do not.',
    }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Webhook' });
export type WebhookBody = z.infer<typeof webhookSchema>;

const signingSecret = z.string().meta({ description: 'Shown here and never again.', example: 'whsec_…' });
export const createdWebhookSchema = webhookSchema
  .extend({ signing_secret: signingSecret })
  .meta({ id: 'CreatedWebhook' });
export const webhookListSchema = listOf(webhookSchema);

export const listWebhooksQuery = z.strictObject({
  ...pageQuery,
  active: z
    .enum(['true', 'false'])
    .transform(value => value === 'true')
    .optional(),
  event_type: eventTypeName.optional().meta({ description: 'Only webhooks that get this event type.' }),
  subject: subject.optional(),
});

export const testWebhookSchema = z
  .strictObject({
    event_type: eventTypeName,
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .optional()
      .meta({ description: 'Equal seeds give equal data; without one, the data are other ones each time.' }),
  })
  .meta({ id: 'TestWebhook' });
export const testResultSchema = z
  .object({
    delivery_id: typeId('del', 'Id of the delivery that was made.'),
    status: z.enum(['success', 'failed']),
    response_code: z.int().nullable(),
    response_time_ms: z.int().nullable(),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
  })
  .meta({ id: 'TestResult' });
export type TestResultBody = z.infer<typeof testResultSchema>;

export const rotateSecretSchema = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(30 * daySeconds)
      .default(daySeconds)
      .meta({ description: 'How long the old secret signs, too; 0: not at all.' }),
    secret: secret.optional(),
  })
  .meta({ id: 'RotateSecret' });
export const rotatedSecretSchema = z
  .object({
    signing_secret: signingSecret,
    overlap: z.boolean().meta({
      description: 'Whether the old secrets sign, too. Never where the contract carries one signature.',
    }),
    overlap_ends_at: time.nullable().meta({ description: 'When the old secrets stop signing; null: now.' }),
  })
  .meta({ id: 'RotatedSecret' });
