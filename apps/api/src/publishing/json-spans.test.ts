import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findItems, findMembers } from './json-spans.ts';

const member = (text: string, name: string): string | undefined => {
  const span = findMembers(text).get(name);
  return span && text.slice(span.start, span.end);
};

describe('finding values in a JSON text', () => {
  test.each([
    ['{"data":{"n":9007199254740993,"f":1.0}}', '{"n":9007199254740993,"f":1.0}'],
    [' {\n "a" : "x\\"}" , "data" :\t[1, {"b":"]"} ] \n}', '[1, {"b":"]"} ]'],
    ['{"data":1e400}', '1e400'],
    ['{"data":-0 ,"z":1}', '-0'],
    ['{"data":"\\\\"}', '"\\\\"'],
    ['{"data":"\\\\\\""}', '"\\\\\\""'],
    ['{"data":null}', 'null'],
    ['{"data":{}}', '{}'],
    ['{"data":[[],{"":[{}]}],"x":{}}', '[[],{"":[{}]}]'],
    ['{"data":1,"data":2}', '2'],
    ['{"d\\u0061ta":true}', 'true'],
    ['{"__proto__":{"data":1},"data":3}', '3'],
  ])('%s', (text, expected) => expect(member(text, 'data')).toBe(expected));

  test('what is not there is not found', () => {
    expect(member('{}', 'data')).toBeUndefined();
    expect(member('{"other":{"data":1}}', 'data')).toBeUndefined();
  });

  test('a million levels do not end the process', () => {
    const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
    expect(member(`{"data":${deep}}`, 'data')).toHaveLength(2_000_000);
  });

  test('any JSON object: every member is found, and its text means its value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const members = findMembers(text);
        expect([...members.keys()].sort()).toEqual(Object.keys(parsed).sort());
        for (const [name, { start, end }] of members) expect(JSON.parse(text.slice(start, end))).toEqual(parsed[name]);
      }),
    );
  });

  test('any JSON array: every item is found', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 2), (array, indent) => {
        const text = JSON.stringify(array, null, indent);
        const items = findItems(text, 0).map(({ start, end }) => JSON.parse(text.slice(start, end)));
        expect(items).toEqual(JSON.parse(text));
      }),
    );
  });
});
