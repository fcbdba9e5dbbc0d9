import type { IncomingHttpHeaders } from 'node:http';
import { type Problem, problem } from '../errors/problem.ts';

/** @returns the refusal of a call that one of our own dispatchers makes, else null */
export type LoopGuard = (headers: IncomingHttpHeaders) => Problem | null;

const marker = '(installation ';
const idLength = 12;

/**
 * Keeps a webhook that leads to this API, with a key in its headers, from publishing in a circle: dispatchers name the
 * installation in `User-Agent`, and neither a webhook's headers nor its contract can take that away.
 *
 * @param installationIds of all encryption keys: while keys are rotated, dispatchers may still have another one first
 */
export function createLoopGuard(installationIds: readonly string[]): LoopGuard {
  const own = new Set(installationIds);
  return ({ 'user-agent': userAgent }) => {
    if (userAgent === undefined) return null;
    for (let at = userAgent.indexOf(marker); at !== -1; at = userAgent.indexOf(marker, at + 1)) {
      const start = at + marker.length;
      if (own.has(userAgent.slice(start, start + idLength)))
        return problem(
          'delivery_loop',
          'This call is a delivery of this installation to itself: a webhook has the URL of its own API.',
        );
    }
    return null;
  };
}
