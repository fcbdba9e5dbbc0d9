import type { ServerResponse } from 'node:http';
import { problemCodes } from '@signpost/api-schema';
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
 * Writes an answer in one go.
 *
 * @param common headers that every answer to this request has
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
  const headers: Record<string, string | number> = {
    'x-request-id': requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...common,
    ...outcome.headers,
  };
  let content: string | null = null;
  if (isProblem) {
    content = JSON.stringify(problemBody(outcome, requestId));
    headers['content-type'] = 'application/problem+json; charset=utf-8';
  } else if (outcome.text !== undefined) {
    content = outcome.text.content;
    headers['content-type'] = outcome.text.contentType;
  } else if (outcome.body !== undefined) {
    content = JSON.stringify(outcome.body);
    headers['content-type'] = 'application/json; charset=utf-8';
  }
  if (content !== null) headers['content-length'] = Buffer.byteLength(content);
  response.writeHead(status, headers);
  response.end(content ?? undefined);
  return status;
}
