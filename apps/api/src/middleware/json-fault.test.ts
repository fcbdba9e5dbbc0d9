import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { locateJsonFault } from './json-fault.ts';

test('the position is that of the first character that cannot stand there', () => {
  const cases: [text: string, offset: number][] = [
    ['', 0],
    ['   ', 3],
    ['{"a":NaN}', 5],
    ['[1,2,]', 5],
    ['{"a":1,}', 7],
    ["{'a':1}", 1],
    ['{"a" 1}', 5],
    ['{"a":1 "b":2}', 7],
    ['[1 2]', 3],
    ['{"a":01}', 6],
    ['{"a":"b', 7],
    ['{"a":"\u0001"}', 6],
    ['{"a":"\\x"}', 6],
    ['{"a":tru}', 5],
    ['{"a":1}}', 7],
    ['1 2', 2],
    ['[1}', 2],
    ['{"a":-}', 5],
    [']', 0],
    ['{1:2}', 1],
  ];
  expect(cases.map(([text]) => locateJsonFault(text))).toEqual(cases.map(([, offset]) => offset));
});

test('a text that is JSON has no fault before its end', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(locateJsonFault(text)).toBe(text.length);
    }),
  );
});

test('a text cut anywhere is read up to a fault that is not behind its end, and what stands before can go on', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(), fc.string({ maxLength: 2 }), (value, at, inserted) => {
      const json = JSON.stringify(value);
      const cut = at % (json.length + 1);
      const text = json.slice(0, cut) + inserted + json.slice(cut);
      const offset = locateJsonFault(text);
      expect(offset).toBeLessThanOrEqual(text.length);
      // Nothing before the change is wrong.
      expect(offset).toBeGreaterThanOrEqual(Math.min(cut, offset === text.length ? cut : lastTokenStart(json, cut)));
    }),
  );
});

/** A change inside a literal or number is noticed at that token's start. */
function lastTokenStart(json: string, cut: number): number {
  let start = cut;
  while (start > 0 && /[-+.0-9a-zA-Z\\]/.test(json[start - 1] as string)) start -= 1;
  return start;
}

test('a string of a million escapes and a million brackets are walked without recursion', () => {
  expect(locateJsonFault(`"${'\\n'.repeat(1_000_000)}`)).toBe(2_000_001);
  expect(locateJsonFault('['.repeat(1_000_000))).toBe(1_000_000);
});

test('a text of megabytes is walked without a pattern for each of its tokens', () => {
  const text = `[${'1, "a", true, {"b":[]},'.repeat(100_000)}1.5]`;
  const test = jest.spyOn(RegExp.prototype, 'test');
  expect(locateJsonFault(text)).toBe(text.length);
  expect(test.mock.calls.length).toBeLessThan(10);
  test.mockRestore();
});
