import { EventTypeLimitError, isDatabaseUnavailable, maxEventTypes, maxSchemaBytes } from '@signpost/database';
import { notFound, type Problem, problem } from './problem.ts';

/** Seconds: a Postgres that restarts is back in about that. */
const retryAfterSeconds = '2';

/** What a producer is told of an unexpected error: never more than whether repeating helps. */
export function describeFault(error: unknown): Problem {
  if (isDatabaseUnavailable(error))
    return problem('store_unavailable', 'The database cannot be reached for now; nothing was accepted.', {
      headers: { 'retry-after': retryAfterSeconds },
    });
  if (isWithoutParent(error)) return notFound();
  if (error instanceof EventTypeLimitError)
    return problem(
      'too_many_event_types',
      `With this, the workspace would have more than ${maxEventTypes} event types, or more than ${maxSchemaBytes} bytes of schemas.`,
    );
  return problem('internal', 'The log of the API says why, at this request id.');
}

/**
 * Whether a row could not be written because what it belongs to is gone (foreign_key_violation, in the words of Postgres
 * and of Prisma): another process deleted the workspace, and this one remembers it for a second.
 */
function isWithoutParent(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '23503' || code === 'P2003';
}
