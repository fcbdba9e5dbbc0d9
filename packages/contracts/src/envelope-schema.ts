import { z } from 'zod';
import { describeIssue } from './describe-issue.ts';
import type { EnvelopeDocument, EnvelopeFieldDocument } from './document.ts';
import { toPathErrors } from './document-error.ts';
import { templateSchema } from './template-schema.ts';

const MAX_DEPTH = 6;
const MAX_FIELDS = 50;

const memberName = z.string().min(1).max(100);
const valueField = z.strictObject({
  name: memberName,
  value: templateSchema('envelope', 500),
  as: z.literal('string').optional(),
  when_absent: z.enum(['null', 'omit', 'empty_object']).optional(),
});
const constantField = z.strictObject({
  name: memberName,
  constant: z.union(
    [z.string().max(500), z.number(), z.boolean(), z.null()],
    'must be a string of at most 500 characters, a number, true, false or null',
  ),
});
const spreadField = z.strictObject({ spread: z.literal('{data}') });

/**
 * One field. The member that is there decides which kind of field it is, so that an error names what is wrong with that
 * kind rather than that no kind fits.
 */
function fieldSchema(depth: number): z.ZodType<EnvelopeFieldDocument> {
  return z.unknown().transform((value, context): EnvelopeFieldDocument => {
    const parsed = schemaFor(value, depth).safeParse(value, { error: describeIssue });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      for (const { path, message } of toPathErrors(issue)) context.addIssue({ code: 'custom', path, message });
    }
    return z.NEVER;
  });
}

function schemaFor(value: unknown, depth: number): z.ZodType<EnvelopeFieldDocument> {
  const members = typeof value === 'object' && value !== null ? value : {};
  if ('spread' in members) return spreadField;
  if ('constant' in members) return constantField;
  if ('fields' in members) return z.strictObject({ name: memberName, fields: fieldsSchema(depth + 1) });
  return valueField;
}

function fieldsSchema(depth: number): z.ZodType<readonly EnvelopeFieldDocument[]> {
  if (depth > MAX_DEPTH) return z.array(z.never()).max(0, `is nested more than ${MAX_DEPTH} objects deep`);
  return z
    .array(fieldSchema(depth))
    .max(MAX_FIELDS)
    .superRefine((fields, context) => {
      const seen = new Set<string>();
      fields.forEach((field, index) => {
        const name = 'spread' in field ? '{data}' : field.name;
        if (seen.has(name)) {
          const path = [index, 'spread' in field ? 'spread' : 'name'];
          context.addIssue({ code: 'custom', message: `stands twice in this object: ${name}`, path });
        }
        seen.add(name);
      });
    });
}

export const envelopeSchema: z.ZodType<EnvelopeDocument> = z.discriminatedUnion('shape', [
  z.strictObject({ shape: z.literal('data') }),
  z.strictObject({ shape: z.literal('object'), fields: fieldsSchema(1) }),
]);
