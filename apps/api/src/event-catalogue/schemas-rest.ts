import { type Problem, problem } from '../errors/problem.ts';

/** The answer while the schemas of a workspace rest. @param restMs more than 0 */
export function schemasRest(restMs: number): Problem {
  return problem('schema_too_slow', 'The schemas of this workspace have taken too much time lately.', {
    headers: { 'retry-after': String(Math.ceil(restMs / 1000)) },
  });
}
