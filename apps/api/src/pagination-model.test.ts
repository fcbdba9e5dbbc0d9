import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import fc from 'fast-check';
import { startTestApi, type TestApi } from './test-api.ts';

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

/** What happens to the list of event types, which goes by name: rows arrive and vanish anywhere in it. */
type Step =
  | { readonly kind: 'add'; readonly name: string }
  | { readonly kind: 'remove'; readonly index: number }
  | { readonly kind: 'next_cursor' | 'previous_cursor'; readonly limit: number };

const name = fc.stringMatching(/^[a-cA-C]{1,2}$/);
const limit = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('add' as const), name }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), index: fc.constantFrom(0, 3, 6, -2, -1) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('next_cursor' as const), limit }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('previous_cursor' as const), limit }) },
);
const first12 = fc.uniqueArray(name, { minLength: 12, maxLength: 12 });
const steps40 = fc.array(step, { minLength: 40, maxLength: 40 });

/** Where a page starts, as a model has it: which names are on its side, and which way it reads. */
interface Place {
  readonly holds: (name: string) => boolean;
  readonly forward: boolean;
}

interface ModelPage {
  readonly data: readonly string[];
  readonly next_cursor: Place | null;
  readonly previous_cursor: Place | null;
}

/** What a page must show of all the names, in their order. */
function modelPage(names: readonly string[], { holds, forward }: Place, limit: number): ModelPage {
  const ahead = names.filter(holds);
  const behind = names.filter(each => !holds(each));
  const data = forward ? ahead.slice(0, limit) : ahead.slice(-limit);
  const [first, last] = [data[0], data.at(-1)];
  const after = (edge: string | undefined): Place => ({ holds: each => each > (edge ?? ''), forward: true });
  const before = (edge: string | undefined): Place => ({ holds: each => each < (edge ?? ''), forward: false });
  // An empty page leads back to the nearest row on its other side, that row included.
  const from: Place = { holds: each => each >= (behind[0] ?? ''), forward: true };
  const upTo: Place = { holds: each => each <= (behind.at(-1) ?? ''), forward: false };
  const more = ahead.length > data.length;
  const back = behind.length > 0;
  return forward
    ? {
        data,
        next_cursor: more ? after(last) : null,
        previous_cursor: back ? (first === undefined ? upTo : before(first)) : null,
      }
    : {
        data,
        previous_cursor: more ? before(first) : null,
        next_cursor: back ? (last === undefined ? from : after(last)) : null,
      };
}

const wholeList: Place = { holds: () => true, forward: true };

type Run = (steps: readonly Step[]) => Promise<void>;

/** The list as it is, and as the model has it. */
async function startRun(start: readonly string[], seen: { back: number; empty: number }): Promise<Run> {
  const { key } = await api.makeWorkspace();
  const names = new Set(start);
  const add = (each: string) => api.call('POST /v1/event-types', { key, body: { name: each } });
  for (const each of start) await add(each);
  let model = modelPage([], wholeList, 1);
  let cursors: Record<string, string | null> = {};

  const turn = async (way: 'next_cursor' | 'previous_cursor', size: number): Promise<void> => {
    const place = model[way];
    const cursor = place === null ? '' : `&cursor=${cursors[way]}`;
    const { body } = await api.call(`GET /v1/event-types?limit=${size}${cursor}`, { key });
    model = modelPage([...names].toSorted(), place ?? wholeList, size);
    cursors = body;
    expect({
      data: body.data.map((row: { name: string }) => row.name),
      next: body.next_cursor !== null,
      previous: body.previous_cursor !== null,
    }).toEqual({ data: model.data, next: model.next_cursor !== null, previous: model.previous_cursor !== null });
    if (place?.forward === false) seen.back += 1;
    if (body.data.length === 0) seen.empty += 1;
  };
  const remove = async (index: number): Promise<void> => {
    const gone = [...names].toSorted().at(index);
    if (gone === undefined) return;
    await api.call(`DELETE /v1/event-types/${gone}`, { key });
    names.delete(gone);
  };
  return async steps => {
    for (const each of steps) {
      if (each.kind === 'remove') await remove(each.index);
      else if (each.kind !== 'add') await turn(each.kind, each.limit);
      else {
        await add(each.name);
        names.add(each.name);
      }
    }
  };
}

test('whatever the sizes of pages, and whatever arrives and vanishes, a page shows the rows next to where one was', async () => {
  const seen = { back: 0, empty: 0 };
  await fc.assert(
    fc.asyncProperty(first12, steps40, async (start, steps) => (await startRun(start, seen))(steps)),
    { numRuns: 30 },
  );
  // It would prove little if nobody had gone back, or met a page whose rows had all vanished.
  expect(seen.back).toBeGreaterThan(20);
  expect(seen.empty).toBeGreaterThan(0);
}, 60_000);
