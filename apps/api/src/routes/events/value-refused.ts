import { invalidField, type Problem } from '../../errors/problem.ts';

/** For an event that passed validation and that Postgres refuses all the same: sending it again would not help. */
export function valueRefused(place: string): Problem {
  return invalidField(place, 'holds a value that cannot be stored');
}
