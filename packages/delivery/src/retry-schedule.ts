/** Delays after the failed attempt before it, in seconds: 1 + 5 attempts over 42.5 minutes. */
export const defaultRetryScheduleSeconds: readonly number[] = [5, 30, 120, 600, 1800];

/** `Retry-After` is honoured up to this. */
export const maxRetryAfterMs = 3_600_000;

/**
 * The delay before the next scheduled attempt.
 *
 * @param schedule delays in seconds, one for each retry
 * @param scheduledAttempts scheduled attempts made so far, the failed one included (1 = the first has failed)
 * @param retryAfterMs floor that the receiver asked for, in ms; 0 for none
 * @param jitter share of the delay that is added, so that receivers that failed together do not all come back together
 * @returns ms, or null when the schedule is used up
 */
export function nextRetryDelayMs(
  schedule: readonly number[],
  scheduledAttempts: number,
  retryAfterMs: number,
  jitter: number,
): number | null {
  const seconds = schedule[scheduledAttempts - 1];
  if (seconds === undefined) return null;
  const promisedMs = Math.max(seconds * 1000, Math.min(retryAfterMs, maxRetryAfterMs));
  return promisedMs + Math.floor(promisedMs * jitter);
}

/**
 * Reads a `Retry-After` header (RFC 9110, section 10.2.3: seconds, or an HTTP date).
 *
 * A header that came twice is joined with a comma; of several numbers of seconds the longest is taken.
 *
 * @returns ms from `nowMs`, between 0 and `maxRetryAfterMs`; 0 where the value is missing, in the past or not valid
 */
export function parseRetryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  const text = value.trim();
  // Fractions are not in the RFC, but some rate limiters send them; the next full second keeps the promise.
  const delayMs = /^\d+(\.\d+)?(\s*,\s*\d+(\.\d+)?)*$/.test(text)
    ? Math.ceil(Math.max(...text.split(',').map(Number))) * 1000
    : parseHttpDateMs(text) - nowMs;
  if (!(delayMs > 0)) return 0;
  return Math.min(delayMs, maxRetryAfterMs);
}

/** The three forms of an HTTP date (RFC 9110, section 5.6.7) start with a day's name; anything else is refused. */
function parseHttpDateMs(text: string): number {
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  // asctime carries no zone and means UTC.
  return Date.parse(/gmt$/i.test(text) ? text : `${text} GMT`);
}
