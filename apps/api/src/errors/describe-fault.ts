import { isDatabaseUnavailable } from '@signpost/database';
import { type Problem, problem } from './problem.ts';

/** Seconds: a Postgres that restarts is back in about that. */
const retryAfterSeconds = '2';

/** What a producer is told of an unexpected error: never more than whether repeating helps. */
export function describeFault(error: unknown): Problem {
  if (isDatabaseUnavailable(error))
    return problem('store_unavailable', 'The database cannot be reached for now; nothing was accepted.', {
      headers: { 'retry-after': retryAfterSeconds },
    });
  return problem('internal', 'The log of the API says why, at this request id.');
}
