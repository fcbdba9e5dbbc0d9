import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { InvalidAnswer, readJson } from './answer.ts';
import { type Connection, wholeNumber } from './connection.ts';
import type { SignpostError } from './errors.ts';
import { describeFailure, retryAfterOf } from './failure.ts';
import { backoffMs, isUnclear, mayRetry } from './retry.ts';
import { type ApiRequest, createSender, type TryOutcome } from './send-try.ts';

/** What may be chosen for one call; the client's options hold for the rest. */
export interface CallOptions {
  /** Ends the call, wherever it is. An event whose publishing was cut may have been accepted. */
  readonly signal?: AbortSignal;
  /** Time for one try. */
  readonly timeoutMs?: number;
  /** Time for the call with all its retries and waits. */
  readonly deadlineMs?: number;
}

/** Time, chance and waiting: what a test takes into its own hands. */
export interface Surroundings {
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
  /** Rejects when the signal is aborted. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly makeIdempotencyKey: () => string;
}

export const systemSurroundings: Surroundings = {
  nowMs: () => performance.now(),
  wait: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
  random: () => randomInt(2 ** 32) / 2 ** 32,
  makeIdempotencyKey: () => randomUUID(),
};

export interface CallRequest extends ApiRequest {
  /** True where doing it twice is the same as doing it once. */
  readonly repeatable: boolean;
  /** True where a repeat of what was done is answered with 404. */
  readonly goneWhenDone?: true;
}

/**
 * Makes one call with its retries, and reads the answer.
 *
 * @param read takes the parsed body (undefined where there is none) of an answer from 200 to 299
 * @throws {SignpostError}
 */
export type Call = <T>(request: CallRequest, read: (body: unknown) => T, options?: CallOptions) => Promise<T>;

/** @param connection with its agent, which the caller closes */
export function createCall(connection: Connection, surroundings: Surroundings): Call {
  const send = createSender(connection);
  return async (request, read, options = {}) => {
    const timeoutMs = wholeNumber('timeoutMs', options.timeoutMs, connection.timeoutMs, 1);
    const deadlineMs = wholeNumber('deadlineMs', options.deadlineMs, connection.deadlineMs, 1);
    const endsAtMs = surroundings.nowMs() + deadlineMs;
    let unclearBefore = false;
    for (let tries = 1; ; tries += 1) {
      const remainingMs = Math.ceil(endsAtMs - surroundings.nowMs());
      const outcome = await send(request, Math.max(Math.min(timeoutMs, remainingMs), 1), options.signal);
      const isDone = outcome.kind === 'answer' && outcome.status >= 200 && outcome.status < 300;
      if (isDone || wasDeletedBefore(request, outcome, unclearBefore))
        return readAnswer(request, outcome, tries, read, connection);
      unclearBefore ||= isUnclear(outcome);
      const fail = (cause?: unknown): SignpostError => describeFailure(request, outcome, tries, connection, cause);
      if (outcome.kind === 'aborted') throw fail(options.signal?.reason);
      if (tries > connection.retryLimit || !mayRetry(outcome, request.repeatable)) throw fail();
      const waitMs = backoffMs(tries, retryAfterOf(outcome) ?? 0, surroundings.random());
      // Coming back earlier than the API asked would make things worse, so the call ends here.
      if (surroundings.nowMs() + waitMs >= endsAtMs) throw fail();
      await waitUnlessAborted(waitMs, options.signal, surroundings, () =>
        describeFailure(request, { kind: 'aborted' }, tries, connection, options.signal?.reason),
      );
    }
  };
}

/** A deletion that is repeated because its first answer was lost finds nothing left to delete. */
function wasDeletedBefore(request: CallRequest, outcome: TryOutcome, unclearBefore: boolean): boolean {
  return request.goneWhenDone === true && unclearBefore && outcome.kind === 'answer' && outcome.status === 404;
}

function readAnswer<T>(
  request: CallRequest,
  outcome: TryOutcome,
  tries: number,
  read: (body: unknown) => T,
  connection: Connection,
): T {
  const text = outcome.kind === 'answer' ? outcome.text : '';
  try {
    return read(text === '' ? undefined : readJson(text));
  } catch (error) {
    if (!(error instanceof InvalidAnswer)) throw error;
    throw describeFailure(request, outcome, tries, connection, error);
  }
}

async function waitUnlessAborted(
  waitMs: number,
  signal: AbortSignal | undefined,
  { wait }: Surroundings,
  describe: () => SignpostError,
): Promise<void> {
  try {
    await wait(waitMs, signal);
  } catch (error) {
    if (signal?.aborted) throw describe();
    throw error;
  }
}
