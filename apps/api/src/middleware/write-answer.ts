import type { ServerResponse } from 'node:http';
import { problemCodes } from '@signpost/api-schema';
import { dataSecurityHeaders } from '@signpost/runtime';
import { type Problem, problemBody } from '../errors/problem.ts';

/** What a handler answers. */
export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** Written as JSON; none: the answer has no body. */
  readonly body?: unknown;
  /** Instead of `body`: text of another type. */
  readonly text?: { readonly contentType: string; readonly content: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param body written as JSON */
export function answer(status: number, body?: unknown, headers?: Readonly<Record<string, string>>): Answer {
  return { kind: 'answer', status, body, headers };
}

/** @param contentType such as `text/plain; charset=utf-8` */
export function answerText(status: number, contentType: string, content: string): Answer {
  return { kind: 'answer', status, text: { contentType, content } };
}

/**
 * What every answer of the API has. As the list of names and values that Node takes as it is: an object with them, made
 * anew for each answer, costs 1 µs more.
 */
const everyAnswer: readonly string[] = Object.entries({ 'cache-control': 'no-store', ...dataSecurityHeaders }).flat();

/**
 * Writes an answer in one go.
 *
 * @param common headers that every answer to this request has; like those of the outcome, none of {@link everyAnswer}
 * @returns the status
 */
export function writeAnswer(
  response: ServerResponse,
  outcome: Answer | Problem,
  requestId: string,
  common: Readonly<Record<string, string>>,
): number {
  const isProblem = outcome.kind === 'problem';
  const status = isProblem ? problemCodes[outcome.code].status : outcome.status;
  const headers = [...everyAnswer, 'x-request-id', requestId];
  for (const name in common) headers.push(name, common[name] as string);
  for (const name in outcome.headers) headers.push(name, outcome.headers[name] as string);
  let content: string | null = null;
  if (isProblem) {
    content = JSON.stringify(problemBody(outcome, requestId));
    headers.push('content-type', 'application/problem+json; charset=utf-8');
  } else if (outcome.text !== undefined) {
    content = outcome.text.content;
    headers.push('content-type', outcome.text.contentType);
  } else if (outcome.body !== undefined) {
    content = JSON.stringify(outcome.body);
    headers.push('content-type', 'application/json; charset=utf-8');
  }
  if (content !== null) headers.push('content-length', String(Buffer.byteLength(content)));
  response.writeHead(status, headers);
  response.end(content ?? undefined);
  return status;
}
