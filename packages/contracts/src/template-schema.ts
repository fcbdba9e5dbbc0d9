import { z } from 'zod';
import { type TemplatePlace, templateProblem } from './vocabulary.ts';

/** RFC 9110 field name. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** Headers that frame the message or belong to the connection; the transport alone sets them. */
const TRANSPORT_HEADERS = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  '__proto__',
]);

/** A template that is valid in its place. */
export function templateSchema(place: TemplatePlace, maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .superRefine((source, context) => {
      const problem = templateProblem(source, place);
      if (problem !== null) context.addIssue({ code: 'custom', message: problem });
    });
}

/** Headers whose names may be sent and whose literal text cannot end a header line. */
export function headersSchema(place: 'header' | 'signature_header') {
  return z
    .array(
      z.strictObject({
        name: z
          .string()
          .max(100)
          .regex(HEADER_NAME, 'must be a header name: letters, digits and - or _')
          .refine(name => !TRANSPORT_HEADERS.has(name.toLowerCase()), 'is set by the transport alone'),
        value: templateSchema(place, 500).regex(/^[\x20-\x7e]*$/, 'must be printable ASCII'),
      }),
    )
    .max(30);
}
