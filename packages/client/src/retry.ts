import type { TryOutcome } from './send-try.ts';

/** The first wait, doubled for each further one. */
const firstBackoffMs = 200;
const maxBackoffMs = 10_000;

/** These answers say that the request was not carried out, so repeating it is safe whatever it asks for. */
const refusedForNow = new Set([429, 503]);
/** After these nobody knows whether the request was carried out. */
const unclear = new Set([408, 500, 502, 504]);

/**
 * Whether one more try makes sense.
 *
 * @param repeatable true where doing it twice is the same as doing it once: reads, changes, deletions, and publishing,
 *   which carries its idempotency key
 */
export function mayRetry(outcome: TryOutcome, repeatable: boolean): boolean {
  switch (outcome.kind) {
    case 'answer':
      return refusedForNow.has(outcome.status) || (repeatable && unclear.has(outcome.status));
    case 'unreached':
      return true;
    case 'broken':
      return repeatable && outcome.passing;
    case 'timeout':
      return repeatable;
    case 'aborted':
    case 'too_large':
      return false;
  }
}

/** Whether the request may have been carried out although no proper answer came. */
export function isUnclear(outcome: TryOutcome): boolean {
  return (
    outcome.kind === 'broken' ||
    outcome.kind === 'timeout' ||
    (outcome.kind === 'answer' && unclear.has(outcome.status))
  );
}

/**
 * The wait before the next try: twice as long each time, its upper half left to chance, so that clients that failed
 * together do not come back together. What the API asked for with `Retry-After` comes on top, never less.
 *
 * @param tries requests sent so far, 1 or more
 * @param retryAfterMs 0 where the API did not ask
 * @param random a number in [0, 1)
 */
export function backoffMs(tries: number, retryAfterMs: number, random: number): number {
  const fullMs = Math.min(firstBackoffMs * 2 ** (tries - 1), maxBackoffMs);
  return retryAfterMs + Math.round(fullMs / 2 + (fullMs / 2) * random);
}

/**
 * Reads `Retry-After` (RFC 9110, section 10.2.3: seconds, or an HTTP date). A date counts from the `Date` of the same
 * answer, so that a wrong clock on this side does not matter.
 *
 * @returns ms, null where it is missing or not valid
 */
export function readRetryAfterMs(retryAfter: string | undefined, date: string | undefined): number | null {
  const text = retryAfter?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const waitMs = parseDateMs(text) - parseDateMs(date ?? '');
  return Number.isNaN(waitMs) ? null : Math.max(waitMs, 0);
}

/** `Sat, 21 Nov 2026 09:30:00 GMT`, the one form that is still sent. */
function parseDateMs(text: string): number {
  return /^[A-Z][a-z]{2}, .* GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}
