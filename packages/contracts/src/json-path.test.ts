import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { objectMembersText, type PathNode, PathTreeBuilder, rawValueToText, readPaths } from './json-path.ts';

const readOne = (text: string, ...path: string[]): string | null => {
  const paths = new PathTreeBuilder();
  const slot = paths.add(path);
  return readPaths(text, paths.build())[slot] ?? null;
};

describe('readPaths', () => {
  test.each([
    ['a number keeps its digits', '{"id":9007199254740993}', ['id'], '9007199254740993'],
    ['a decimal keeps its zero', '{"n": 1.0 }', ['n'], '1.0'],
    ['a nested member is found', '{"a":{"b":{"c":"x"}},"c":1}', ['a', 'b', 'c'], '"x"'],
    ['brackets and quotes inside strings do not count', '{"s":"}],\\"{[","id":7}', ['id'], '7'],
    ['members inside arrays are passed over', '{"list":[{"id":1},[2,{"id":3}]],"id":4}', ['id'], '4'],
    ['an escaped member name is the same name', '{"\\u0069d":5}', ['id'], '5'],
    ['the last of duplicate members counts', '{"id":1,"id":2}', ['id'], '2'],
    ['a later duplicate hides what the earlier one held', '{"a":{"id":1},"a":{}}', ['a', 'id'], null],
    ['a path through something that is no object leads nowhere', '{"a":[1]}', ['a', 'id'], null],
    ['data that is no object has no members', '["id"]', ['id'], null],
    ['whitespace is allowed anywhere', ' {\n\t"id" :\r [ 1 , 2 ] , "b":0}', ['id'], '[ 1 , 2 ]'],
    ['a name of Object.prototype is a member like any other', '{"constructor":1}', ['toString'], null],
  ] as const)('%s', (_name, text, path, expected) => {
    expect(readOne(text, ...path)).toBe(expected);
  });

  test('agrees with JSON.parse on every member of every object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(4), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        for (const key of Object.keys(parsed)) {
          expect(JSON.parse(readOne(text, key) ?? 'missing')).toEqual(parsed[key]);
        }
      }),
    );
  });

  test.each(['1', '{"b":1}'])('looks below a member once, however often it comes again as %s', value => {
    let looks = 0;
    const below = new Map<string, PathNode>([['b', { slot: 0, children: new Map() }]]);
    const repeated: PathNode = {
      slot: -1,
      get children() {
        looks += 1;
        return below;
      },
    };
    const root: PathNode = { slot: -1, children: new Map([['a', repeated]]) };
    const text = `{${Array.from({ length: 1000 }, () => `"a":${value}`).join(',')}}`;
    expect(readPaths(text, { root, size: 1 })).toEqual([value === '1' ? null : '1']);
    expect(looks).toBeLessThan(5);
  });

  test('ends on text that is no JSON too, with a SyntaxError at worst', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', ' ', 'a', '1');
    fc.assert(
      fc.property(fc.string({ unit: pieces }), text => {
        try {
          readOne(text, 'a', '1');
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});

describe('rawValueToText', () => {
  test.each([
    ['"a\\"é\\u00e9"', 'a"éé'],
    ['9007199254740993', '9007199254740993'],
    ['true', 'true'],
    ['null', ''],
    [null, ''],
  ])('%s is %s', (raw, text) => {
    expect(rawValueToText(raw)).toBe(text);
  });
});

describe('objectMembersText', () => {
  test.each([
    ['{}', ''],
    [' { } ', ''],
    ['{"a": 1.0 , "b":{} }', '"a": 1.0 , "b":{}'],
    ['[]', null],
    ['"{}"', null],
    ['null', null],
  ])('%s holds %s', (text, members) => {
    expect(objectMembersText(text)).toBe(members);
  });
});
