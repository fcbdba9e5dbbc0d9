import { z } from 'zod';
import type { DeliveryMethod } from '@signpost/contracts';
import { publishEventSchema } from './event.ts';
import { contractName, isJsonObject, type JsonObject, listOf, pageQuery, text, time, typeId } from './fields.ts';

const string = { type: 'string' as const };
const object = { type: 'object' as const, additionalProperties: {} };
const header = { type: 'object' as const, required: ['name', 'value'], properties: { name: string, value: string } };
const eventType = {
  type: 'object' as const,
  required: ['name', 'description', 'schema', 'example'],
  properties: { name: string, description: string, schema: object, example: {} },
};

/**
 * The document itself is read by `parseContractDocument` of packages/contracts, which finds more than a schema can say;
 * this only describes it.
 */
export const contractDocumentSchema = z.custom<JsonObject>(isJsonObject, 'must be an object').meta({
  id: 'ContractDocument',
  description:
    'How deliveries look and are signed. What is left out is as in `standard`; unknown members are refused. The strings of envelope, headers and signature are templates with placeholders such as `{event.id}`, `{timestamp}` and `{body}`.',
  override: {
    type: 'object',
    required: ['name', 'title', 'envelope', 'signature'],
    additionalProperties: false,
    properties: {
      name: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,63}$' },
      title: string,
      description: string,
      warnings: { type: 'array', items: string },
      event_types: { type: 'array', items: eventType },
      envelope: {
        type: 'object',
        required: ['shape'],
        properties: { shape: { enum: ['data', 'object'] }, fields: { type: 'array', items: object } },
      },
      headers: { type: 'array', items: header },
      signature: {
        type: 'object',
        required: ['algorithm', 'content', 'encoding', 'format', 'separator', 'headers'],
        properties: {
          algorithm: { enum: ['hmac-sha256', 'hmac-sha512', 'hmac-sha1', 'md5', 'sha256', 'ed25519'] },
          content: string,
          encoding: { enum: ['hex', 'base64'] },
          format: string,
          separator: { type: ['string', 'null'] },
          headers: { type: 'array', items: header },
        },
      },
      secret: object,
      methods: { type: 'array', items: { enum: ['POST', 'PUT', 'PATCH'] } },
      success: object,
      timeout_ms: { type: 'integer' },
      retry: object,
      url: { type: 'object', properties: { https: { enum: ['instance', 'production', 'always'] } } },
    },
  },
});

export const contractSummarySchema = z
  .object({
    name: contractName,
    title: z.string(),
    description: z.string(),
    warnings: z.array(z.string()).meta({ description: 'What whoever chooses it must know.' }),
    built_in: z.boolean().meta({ description: 'Whether it comes with Signpost.' }),
    version: z.int().meta({ description: 'Counts the changes, from 1; 0: it comes with Signpost.' }),
    created_at: time.nullable().meta({ description: 'When this version was made; null: it comes with Signpost.' }),
  })
  .meta({ id: 'ContractSummary' });
export type ContractSummaryBody = z.infer<typeof contractSummarySchema>;

export const contractSchema = contractSummarySchema
  .extend({ document: contractDocumentSchema })
  .meta({ id: 'Contract' });
export type ContractBody = ContractSummaryBody & { readonly document: unknown };

export const contractListSchema = listOf(contractSummarySchema);
export const listContractsQuery = z.strictObject(pageQuery);

const methods = ['POST', 'PUT', 'PATCH'] as const satisfies readonly DeliveryMethod[];

export const previewContractSchema = z
  .strictObject({
    contract: contractName.optional(),
    document: contractDocumentSchema.optional().meta({ description: 'A contract that is not stored.' }),
    event: publishEventSchema.omit({ idempotency_key: true, channels: true }).meta({ id: 'PreviewEvent' }),
    secret: text(512).meta({ description: 'What to sign with, in the form of the contract. It is not kept.' }),
    method: z
      .enum(methods)
      .nullable()
      .optional()
      .meta({ description: "One of the contract's methods; null: its first." }),
    event_id: typeId('evt', 'A new one if it is missing.').optional(),
    delivery_id: typeId('del', 'A new one if it is missing.').optional(),
    attempt_id: typeId('att', 'A new one if it is missing.').optional(),
    attempt_timestamp: time.optional().meta({ description: 'When the attempt is made; now if it is missing.' }),
  })
  .meta({ id: 'PreviewContract' });

export const previewedRequestSchema = z
  .object({
    method: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string().meta({ description: 'The text of the body, byte for byte.' }),
    signed_content: z.string().meta({
      description: 'What was signed. Where the contract signs the secret with it, the secret is in it.',
    }),
  })
  .meta({ id: 'PreviewedRequest' });
export type PreviewedRequestBody = z.infer<typeof previewedRequestSchema>;
