import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseItems } from './parse-items.ts';

const rules = { member: 'events', max: 10_000, maxItemBytes: 100_000 };

/** What JSON.parse makes of it; undefined: it is no JSON. */
function whole(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function expectTheSame(text: string): Promise<void> {
  const parsed = await parseItems(text, rules);
  const value = whole(text);
  if (value === undefined) return expect(parsed.kind).toBe('fault');
  expect(parsed).toMatchObject({ kind: 'parsed' });
  if (parsed.kind !== 'parsed') return;
  expect(parsed.value).toEqual(value);
  if (!Array.isArray(Object(value).events)) return;
  const { events } = value as { events: unknown[] };
  expect(parsed.items.map(({ start, end }) => JSON.parse(text.slice(start, end)))).toEqual(events);
}

const batch = fc.tuple(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.jsonValue(), fc.boolean(), fc.nat(2));
const batchText = batch.map(([events, other, isFirst, indent]) =>
  JSON.stringify(isFirst ? { events, other } : { other, events }, null, indent),
);

test('a body in items means what the whole means', () =>
  fc.assert(fc.asyncProperty(fc.oneof(batchText, fc.json()), expectTheSame)));

test('and one that is no JSON is none in items, wherever it is broken', () =>
  fc.assert(
    fc.asyncProperty(
      batchText,
      fc.nat(),
      fc.nat(3),
      fc.oneof(
        fc.constantFrom('[', ']', '{', '}', '"', ',', ':', '\\', ' ', 'null', '"events":['),
        fc.string({ maxLength: 2 }),
      ),
      (text, at, removed, inserted) => {
        const cut = at % (text.length + 1);
        return expectTheSame(text.slice(0, cut) + inserted + text.slice(cut + removed));
      },
    ),
    { numRuns: 500 },
  ));

test.each([
  '',
  '[',
  '{',
  '"',
  '{"events":[',
  '{"events":[,]}',
  '{"events":[1,]}',
  '{"events":[1,,2]}',
  '{"events":[1 2]}',
  '{"events":[}',
  '{"events":["a"1]}',
  '{"events":[{}{}]}',
  '{"events":[1],"events":[2]}',
  '{"events":[1],"events":3}',
  '{"\\u0065vents":[[]]}',
  '["events",[1,2]]',
  '{"events":[{"a":1]}',
  '{"events":[1]} x',
  '{"\\x":1,"events":[]}',
  '{"events":[nul]}',
  '{"events":[1.]}',
])('%s', expectTheSame); // prettier-ignore

test('a fault has the position that it has in the whole', async () => {
  const text = '{"events":[{"a":1},{"b":tru}]}';
  expect(await parseItems(text, rules)).toEqual({ kind: 'fault', offset: text.indexOf('tru') });
});

test('more items than there may be are told without any being parsed', async () => {
  const parsed = await parseItems(`{"events":[${'[],'.repeat(100_000)}broken`, rules);
  expect(parsed).toMatchObject({ kind: 'parsed', value: { events: Array.from({ length: 10_001 }, () => null) } });
});

test('what is too large to be an item is not parsed, and neither is a body that is something else', async () => {
  const large = `"${'x'.repeat(100_000)}"`;
  expect(await parseItems(`{"events":[1,${large},2]}`, rules)).toMatchObject({ value: { events: [1, null, 2] } });
  expect(await parseItems(`{"other":[${'[],'.repeat(100_000)}[]]}`, rules)).toEqual({ kind: 'too_much_beside' });
});

test('others have turns while a body of megabytes is parsed', async () => {
  const item = `[${'[],'.repeat(40_000)}[]]`;
  let turns = 0;
  const count = (): void => {
    turns += 1;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const text = `{"events":[${Array.from({ length: 40 }, () => item).join(',')}]}`;
  const parsed = await parseItems(text, { member: 'events', max: 1000, maxItemBytes: 256 * 1024 });
  clearImmediate(timer);
  expect(parsed.kind).toBe('parsed');
  // One break at least, however fast the machine is; without any there would be none.
  expect(turns).toBeGreaterThanOrEqual(4);
});
