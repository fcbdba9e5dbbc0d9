import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { type ListFixture, openLists } from './lists.fixture.ts';
import { startTestApi, type TestAnswer, type TestApi } from './test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const lists = Object.values<Operation>(operations).filter(
  ({ request }) => request.query?.shape['cursor'] !== undefined,
);

test('every list is tested here', () => {
  expect(Object.keys(openLists).toSorted()).toEqual(lists.map(({ path }) => path).toSorted());
});

type Page = TestAnswer['body'];

async function open(path: string, rows: number): Promise<ListFixture> {
  const list = await openLists[path]?.(api);
  if (list === undefined) throw new Error(`${path} has no fixture`);
  for (let n = 0; n < rows; n += 1) await list.add(n);
  return list;
}

async function read(list: ListFixture, query: string): Promise<Page> {
  const answer = await list.get(query);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
}

/** The page from which one starts, and those that follow it, as long as there are any. */
async function walk(
  list: ListFixture,
  start: Page,
  way: 'next_cursor' | 'previous_cursor',
  query: string,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Page[]> {
  const pages = [start];
  for (let cursor = start[way]; cursor !== null; cursor = pages.at(-1)[way]) {
    await between();
    pages.push(await read(list, `${query}&cursor=${cursor}`));
    if (pages.length > 100) throw new Error('The pages have no end');
  }
  return pages;
}

const rowsOf = (pages: readonly Page[]): unknown[] => pages.flatMap(page => page.data);

describe.each(lists.map(({ path, request }) => ({ path, request })))('$path', ({ path, request }) => {
  test('back again are the same pages while rows arrive, and before them what arrived', async () => {
    let made = 7;
    const list = await open(path, made);
    const arrive = () => list.add(made++);
    const pages = await walk(list, await read(list, 'limit=2'), 'next_cursor', 'limit=2', arrive);
    expect(pages.length).toBeGreaterThan(3);
    expect(pages.map(page => page.previous_cursor === null)).toEqual(pages.map((_page, index) => index === 0));
    const arrived = made - 7;
    const back = await walk(list, pages.at(-1), 'previous_cursor', 'limit=2');
    const again = back.slice(0, pages.length).toReversed();
    expect(again.map(page => page.data)).toEqual(pages.map(page => page.data));
    expect(again.map(page => page.next_cursor)).toEqual(pages.map(page => page.next_cursor));
    expect(rowsOf(back.slice(pages.length))).toHaveLength(arrived);
    const all = await read(list, 'limit=100');
    expect(rowsOf(back.toReversed())).toEqual(all.data);
    // And forward once more, from what is now the first page.
    const forward = await walk(list, back.at(-1), 'next_cursor', 'limit=2');
    expect(rowsOf(forward)).toEqual(all.data);
  });

  test('a page whose rows have all vanished leads back to where one came from', async () => {
    const list = await open(path, 7);
    const pages = await walk(list, await read(list, 'limit=2'), 'next_cursor', 'limit=2');
    const [first, second] = pages;
    const [beforeLast, last] = pages.slice(-2);
    for (const row of [...first.data, ...last.data]) await list.remove(row);

    const end = await read(list, `limit=2&cursor=${beforeLast.next_cursor}`);
    expect(end).toEqual({ data: [], next_cursor: null, previous_cursor: expect.any(String) });
    const fromEnd = await read(list, `limit=2&cursor=${end.previous_cursor}`);
    expect(fromEnd).toEqual({ ...beforeLast, next_cursor: null });

    const beginning = await read(list, `limit=2&cursor=${second.previous_cursor}`);
    expect(beginning).toEqual({ data: [], next_cursor: expect.any(String), previous_cursor: null });
    const fromBeginning = await read(list, `limit=2&cursor=${beginning.next_cursor}`);
    expect(fromBeginning).toEqual({ ...second, previous_cursor: null });
  });

  test('filters hold both ways', async () => {
    const times: string[] = [];
    const list = await open(path, 0);
    for (let n = 0; n < 12; n += 1) {
      times.push(new Date().toISOString());
      await list.add(n);
    }
    const filters = Object.keys(request.query?.shape ?? {}).filter(name => name !== 'limit' && name !== 'cursor');
    // A new filter has to be listed in the fixture.
    expect(Object.keys(list.filters).toSorted()).toEqual(filters.toSorted());
    const all = await read(list, 'limit=100');
    for (const name of filters) {
      const filter = `${name}=${list.filters[name] ?? times[name === 'since' ? 2 : 9]}`;
      const { data } = await read(list, `limit=100&${filter}`);
      expect([filter, data.length >= 5, data.length < all.data.length]).toEqual([filter, true, true]);
      const query = `limit=2&${filter}`;
      const pages = await walk(list, await read(list, query), 'next_cursor', query);
      expect([filter, rowsOf(pages)]).toEqual([filter, data]);
      expect([filter, await walk(list, pages.at(-1), 'previous_cursor', query)]).toEqual([filter, pages.toReversed()]);
    }
    if (filters.length === 0) return;
    // A way back is offered only to rows that the filter shows.
    const nothing = filters.includes('since') ? 'since=2999-01-01T00:00:00Z' : 'subject=nobody';
    const { next_cursor: cursor } = await read(list, 'limit=2');
    expect(await read(list, `${nothing}&cursor=${cursor}`)).toEqual({
      data: [],
      next_cursor: null,
      previous_cursor: null,
    });
  });

  test('422: a cursor that is not, byte for byte, what this list gave out', async () => {
    const list = await open(path, 3);
    const [first, second] = await walk(list, await read(list, 'limit=1'), 'next_cursor', 'limit=1');
    const bytes = Buffer.from(second.previous_cursor, 'base64url');
    // It would prove nothing if what is sent otherwise were refused, too.
    expect((await list.get(`cursor=${bytes.toString('base64url')}`)).status).toBe(200);
    expect(bytes.subarray(12).toString()).toMatch(/^</);
    const [signature, place] = [bytes.subarray(0, 12), bytes.subarray(12)];
    const forward = Buffer.from(first.next_cursor, 'base64url').subarray(12);
    const wrong = [
      place,
      forward,
      signature,
      Buffer.concat([signature, forward]),
      Buffer.concat([bytes, Buffer.from('a')]),
    ];
    for (const index of bytes.keys()) {
      const altered = Buffer.from(bytes);
      altered[index] = (altered[index] as number) ^ 1;
      wrong.push(altered);
    }
    for (const each of wrong) {
      const { status, body } = await list.get(`cursor=${each.toString('base64url')}`);
      expect([each.toString(), status, body.errors?.[0].path]).toEqual([each.toString(), 422, 'query.cursor']);
    }
  });
});

test('a cursor of one list is none of another, though both go by the same kind of key', async () => {
  const [types, contracts] = [await open('/v1/event-types', 3), await open('/v1/contracts', 3)];
  for (const [from, to] of [
    [types, contracts],
    [contracts, types],
  ] as const) {
    const { next_cursor: cursor } = await read(from, 'limit=1');
    expect((await from.get(`cursor=${cursor}`)).status).toBe(200);
    expect((await to.get(`cursor=${cursor}`)).status).toBe(422);
  }
});
