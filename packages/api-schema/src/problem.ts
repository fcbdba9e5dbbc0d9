import { z } from 'zod';
import { type ProblemCode, problemCodes } from './problem-codes.ts';

/** What is wrong with one field. */
export const fieldErrorSchema = z
  .object({
    path: z.string().meta({ description: 'Where: `body.events[0]`, `query.limit`, `header.idempotency-key`.' }),
    message: z.string(),
  })
  .meta({ id: 'FieldError' });
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** A problem (RFC 9457): the body of every answer from 400 on. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Where the documentation explains it, relative to the API.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(problemCodes) as [ProblemCode, ...ProblemCode[]]),
    request_id: z.string(),
    errors: z.array(fieldErrorSchema).optional(),
  })
  .meta({ id: 'Problem' });
export type ProblemBody = z.infer<typeof problemSchema>;
