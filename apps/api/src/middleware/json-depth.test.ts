import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isDeeperThan } from './json-depth.ts';

const nested = (depth: number): Buffer => Buffer.from('['.repeat(depth) + ']'.repeat(depth));

test('the limit itself is allowed, one more is not', () => {
  expect(isDeeperThan(nested(64), 64)).toBe(false);
  expect(isDeeperThan(nested(65), 64)).toBe(true);
});

test('a million levels are refused within 50 ms', () => {
  const bytes = nested(1_000_000);
  const startedMs = performance.now();
  expect(isDeeperThan(bytes, 64)).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(50);
});

test('brackets in strings, and behind escaped quotes, do not count', () => {
  expect(isDeeperThan(Buffer.from(`["${'['.repeat(100)}\\"${'{'.repeat(100)}"]`), 1)).toBe(false);
});

test('the depth is that of the value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const depth = depthOf(value);
      const bytes = Buffer.from(JSON.stringify(value));
      expect(isDeeperThan(bytes, depth)).toBe(false);
      expect(isDeeperThan(bytes, depth - 1)).toBe(depth > 0);
    }),
  );
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
