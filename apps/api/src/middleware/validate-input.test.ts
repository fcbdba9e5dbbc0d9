import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { toFieldErrors, validationFailed } from './validate-input.ts';

test('of a hundred thousand unknown fields the first are told, and how many there are', () => {
  const unknown = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, 1]));
  const error = z.strictObject({ a: z.string(), b: z.string() }).safeParse(unknown).error as z.ZodError;
  const { first, total } = toFieldErrors('body', error);
  expect([first.length, total]).toEqual([20, 100_002]);
  expect(validationFailed(first, total).detail).toMatch(/^body\.a: .* \(and 100001 more\)$/);
});
