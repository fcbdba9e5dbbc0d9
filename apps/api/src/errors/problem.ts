import {
  type FieldError,
  type ProblemBody,
  type ProblemCode,
  problemCodes,
  type ProblemKind,
} from '@signpost/api-schema';

/** A call was refused or failed: an expected outcome, written as RFC 9457 says. */
export interface Problem {
  readonly kind: 'problem';
  readonly code: ProblemCode;
  /** One sentence about this case. */
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param detail one sentence about this case; the title of the code unless given */
export function problem(
  code: ProblemCode,
  detail: string = problemCodes[code].title,
  more: Pick<Problem, 'errors' | 'headers'> = {},
): Problem {
  return { kind: 'problem', code, detail, ...more };
}

/** The same for what does not exist and for what belongs to another workspace. */
export function notFound(): Problem {
  return problem('not_found');
}

/** One wrong field. @param path as in `FieldError` */
export function invalidField(path: string, message: string): Problem {
  return problem('validation_failed', `${path} ${message}.`, { errors: [{ path, message }] });
}

/** The body of a problem's answer. */
export function problemBody({ code, detail, errors }: Problem, requestId: string): ProblemBody {
  const { status, title }: ProblemKind = problemCodes[code];
  return {
    type: `/docs/errors#${code}`,
    title,
    status,
    detail,
    code,
    request_id: requestId,
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
}
