import { InvalidAnswer, readProblem } from './answer.ts';
import type { Connection } from './connection.ts';
import { SignpostError } from './errors.ts';
import { readRetryAfterMs } from './retry.ts';
import type { ApiRequest, TryOutcome } from './send-try.ts';

/** How long an answer asks to wait, in ms; null where it does not, or where there is no answer. */
export function retryAfterOf(outcome: TryOutcome): number | null {
  return outcome.kind === 'answer'
    ? readRetryAfterMs(headerOf(outcome, 'retry-after'), headerOf(outcome, 'date'))
    : null;
}

function headerOf({ headers }: Extract<TryOutcome, { kind: 'answer' }>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * The error of a call whose last try ended so. Texts of the other side are shown with the API key hidden: a proxy may
 * echo what it was sent.
 *
 * @param cause the reason of an abort, or what an accepted answer lacks
 */
export function describeFailure(
  request: ApiRequest,
  outcome: TryOutcome,
  tries: number,
  connection: Connection,
  cause?: unknown,
): SignpostError {
  const where = connection.hideKey(`${request.method} /${request.path}`);
  switch (outcome.kind) {
    case 'answer':
      return describeAnswer(where, outcome, tries, connection.hideKey, cause);
    case 'unreached':
    case 'broken':
      return new SignpostError('network', `${where}: ${outcome.cause.message}`, { tries, cause: outcome.cause });
    case 'timeout':
      return new SignpostError('timeout', `${where}: no answer in time`, { tries });
    case 'aborted':
      return new SignpostError('aborted', `${where}: aborted by the caller`, { tries, cause });
    case 'too_large':
      return new SignpostError('invalid_answer', `${where}: the answer is too large`, { tries });
  }
}

function describeAnswer(
  where: string,
  answer: Extract<TryOutcome, { kind: 'answer' }>,
  tries: number,
  hideKey: (text: string) => string,
  cause: unknown,
): SignpostError {
  const { status } = answer;
  const headerId = headerOf(answer, 'x-request-id');
  const base = { status, tries, retryAfterMs: retryAfterOf(answer) };
  const requestId = headerId === undefined ? null : hideKey(headerId);
  const problem = status >= 400 ? readProblem(answer.text) : null;
  if (problem === null) {
    const fault = cause instanceof InvalidAnswer ? new InvalidAnswer(hideKey(cause.message)) : undefined;
    const lack = fault?.message ?? 'it is no answer of Signpost';
    return new SignpostError('invalid_answer', `${where}: status ${status}, ${lack}`, {
      ...base,
      requestId,
      cause: fault,
    });
  }
  const code = hideKey(problem.code);
  return new SignpostError(code, `${where}: ${status} ${code}: ${hideKey(problem.detail)}`, {
    ...base,
    requestId: problem.requestId === null ? requestId : hideKey(problem.requestId),
    errors: problem.errors.map(({ path, message }) => ({ path: hideKey(path), message: hideKey(message) })),
  });
}
