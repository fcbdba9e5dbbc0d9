import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findNearestName } from './nearest-name.ts';
import { patternsOf } from './patterns-of.ts';

const names = ['call.ended', 'call.failed', 'sms.received', 'invoice.paid'];

test('the nearest name is suggested, none where all are far', () => {
  expect(findNearestName('call.endd', names)).toBe('call.ended');
  expect(findNearestName('cal.failed', names)).toBe('call.failed');
  expect(findNearestName('sms.recieved', names)).toBe('sms.received');
  expect(findNearestName('completely.different', names)).toBeNull();
  expect(findNearestName('x', [])).toBeNull();
  expect(findNearestName('call.ended', ['call.endez', 'call.ended', 'call.endex'])).toBe('call.ended');
});

test('the distance is that of the whole table', () => {
  fc.assert(
    fc.property(fc.string({ unit: letter, maxLength: 24 }), fc.string({ unit: letter, maxLength: 24 }), (a, b) => {
      const limit = Math.min(5, Math.max(2, Math.floor(a.length / 4)));
      expect(findNearestName(a, [b])).toBe(fullDistance(a, b) <= limit ? b : null);
    }),
  );
});

const letter = fc.constantFrom('a', 'b', '.');

function fullDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, row) =>
    Array.from({ length: b.length + 1 }, (_unused, column) => (row === 0 ? column : row)),
  );
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= a.length; row += 1)
    for (let column = 1; column <= b.length; column += 1) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      const ways = [cell(row - 1, column) + 1, cell(row, column - 1) + 1, cell(row - 1, column - 1) + change];
      (rows[row] as number[])[column] = Math.min(...ways);
    }
  return cell(a.length, b.length);
}

test('a long name among thousands is compared within a second', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `${'a'.repeat(240)}.${index}`);
  const startedMs = performance.now();
  expect(findNearestName(`${'a'.repeat(239)}.bbbbb`, many)).toBeNull();
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

test('event types and their prefixes are suggested', () => {
  const types = ['call.ended', 'call.failed', 'sms.in.received'];
  expect([...patternsOf(types)]).toEqual([...types, 'call.*', 'sms.*', 'sms.in.*']);
  expect(findNearestName('cal.*', patternsOf(types))).toBe('call.*');
});

test('of thousands of event types only as many are taken apart as are compared', () => {
  let read = 0;
  const types = {
    *[Symbol.iterator]() {
      for (let index = 0; index < 100_000; index += 1) {
        read += 1;
        yield `${index}${'.a'.repeat(100)}`;
      }
    },
  };
  expect(findNearestName('zzzz.bbbb', patternsOf(types))).toBeNull();
  expect(read).toBeLessThanOrEqual(2000);
});
