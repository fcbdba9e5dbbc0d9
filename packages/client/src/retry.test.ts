import { expect, test } from '@jest/globals';
import { backoffMs, readRetryAfterMs } from './retry.ts';

test('a wait lies between half and all of its step, steps double up to 10 s', () => {
  const steps = [1, 2, 3, 4, 5, 6, 7, 8, 60].map(tries => [backoffMs(tries, 0, 0), backoffMs(tries, 0, 0.999999)]);
  expect(steps).toEqual([
    [100, 200],
    [200, 400],
    [400, 800],
    [800, 1600],
    [1600, 3200],
    [3200, 6400],
    [5000, 10_000],
    [5000, 10_000],
    [5000, 10_000],
  ]);
});

test('a wait is never shorter than Retry-After', () => {
  expect(backoffMs(1, 60_000, 0)).toBe(60_100);
});

test.each<[string | undefined, string | undefined, number | null]>([
  ['0', undefined, 0],
  [' 12 ', undefined, 12_000],
  ['Sat, 21 Nov 2026 09:31:00 GMT', 'Sat, 21 Nov 2026 09:30:00 GMT', 60_000],
  ['Sat, 21 Nov 2026 09:29:00 GMT', 'Sat, 21 Nov 2026 09:30:00 GMT', 0],
  ['Sat, 21 Nov 2026 09:31:00 GMT', undefined, null],
  ['-5', undefined, null],
  ['1e9', undefined, null],
  ['soon', 'Sat, 21 Nov 2026 09:30:00 GMT', null],
  [undefined, undefined, null],
])('Retry-After %j at %j is %j ms', (retryAfter, date, expected) => {
  expect(readRetryAfterMs(retryAfter, date)).toBe(expected);
});
