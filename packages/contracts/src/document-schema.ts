import { z } from 'zod';
import { standardDocument } from './built-in/standard.ts';
import type { ContractDocument } from './document.ts';
import { describeIssue } from './describe-issue.ts';
import { type DocumentError, toDocumentErrors } from './document-error.ts';
import { envelopeSchema } from './envelope-schema.ts';
import { findContradictions } from './document-rules.ts';
import { headersSchema, templateSchema } from './template-schema.ts';

export type ParsedContractDocument =
  | { readonly kind: 'valid'; readonly document: ContractDocument }
  | { readonly kind: 'invalid'; readonly errors: readonly DocumentError[] };

/** Names that providers use: `call.ended`, `bookingCreate`, `user/created`. */
const EVENT_TYPE_NAME = /^[A-Za-z0-9]+(?:[._:/-][A-Za-z0-9]+)*$/;
const SCHEMA_DIALECT = 'https://json-schema.org/draft/2020-12/schema';
/** Receivers are told that a wait grows by a tenth at most, whatever their contract. */
const MAX_JITTER_RATIO = 0.1;
const WEEK_SECONDS = 7 * 24 * 3600;

const line = (max: number) => z.string().min(1).max(max);
const statusCode = z.int().min(100).max(599);

const eventTypeSchema = z.strictObject({
  name: z.string().max(128).regex(EVENT_TYPE_NAME, 'must be letters and digits, in parts joined by . _ : / or -'),
  description: line(1000),
  schema: z
    .record(z.string(), z.unknown())
    .refine(
      schema => schema['$schema'] === undefined || schema['$schema'] === SCHEMA_DIALECT,
      'must be JSON Schema 2020-12',
    ),
  example: z.unknown().refine(example => example !== undefined, 'must be given'),
});

const signatureSchema = z.strictObject({
  algorithm: z.enum(['hmac-sha256', 'hmac-sha512', 'hmac-sha1', 'md5', 'sha256', 'ed25519']),
  content: templateSchema('signed_content', 2000),
  encoding: z.enum(['hex', 'base64']),
  format: templateSchema('signature_format', 200),
  separator: z.enum([' ', ',', ';']).nullable(),
  headers: headersSchema('signature_header').min(1),
});

const secretSchema = z.strictObject({
  prefix: z
    .string()
    .max(32)
    .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces'),
  encoding: z.enum(['base64', 'hex', 'text']),
  key: z.enum(['decoded', 'printed']),
  generated_bytes: z.int().min(16).max(128),
  min_length: z.int().min(8).max(256),
  max_length: z.int().min(8).max(256),
});

/** What a document may leave out, the standard contract fills. */
const documentSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be a-z, 0-9 and -, begin with a letter, 64 characters at most'),
  title: line(120),
  description: z.string().max(2000).default(''),
  warnings: z.array(line(500)).max(10).default([]),
  event_types: z.array(eventTypeSchema).max(500).default([]),
  envelope: envelopeSchema,
  headers: headersSchema('header').default([]),
  signature: signatureSchema,
  secret: secretSchema.default({ ...standardDocument.secret }),
  methods: z
    .array(z.enum(['POST', 'PUT', 'PATCH']))
    .min(1)
    .max(3)
    .default([...standardDocument.methods]),
  success: z
    .strictObject({ from: statusCode, to: statusCode, disable_on: z.array(statusCode).max(20).default([]) })
    .default({ ...standardDocument.success, disable_on: [...standardDocument.success.disable_on] }),
  timeout_ms: z.int().min(100).max(60_000).default(standardDocument.timeout_ms),
  retry: z
    .strictObject({
      schedule_seconds: z.array(z.int().min(1).max(WEEK_SECONDS)).max(30),
      jitter_ratio: z.number().min(0).max(MAX_JITTER_RATIO).default(standardDocument.retry.jitter_ratio),
    })
    .default({
      schedule_seconds: [...standardDocument.retry.schedule_seconds],
      jitter_ratio: standardDocument.retry.jitter_ratio,
    }),
  url: z.strictObject({ https: z.enum(['instance', 'production', 'always']) }).default({ ...standardDocument.url }),
});

/**
 * Validates a contract document from outside. Nothing is trusted: unknown members are refused, templates are parsed,
 * and members that contradict each other are named.
 *
 * @param value Any parsed JSON.
 * @returns The document with its gaps filled from the standard contract, or every error found, each with its path.
 */
export function parseContractDocument(value: unknown): ParsedContractDocument {
  const parsed = documentSchema.safeParse(value, { error: describeIssue });
  if (!parsed.success) return { kind: 'invalid', errors: parsed.error.issues.flatMap(toDocumentErrors) };
  const document: ContractDocument = parsed.data;
  const contradictions = findContradictions(document);
  if (contradictions.length > 0) return { kind: 'invalid', errors: contradictions };
  return { kind: 'valid', document };
}
