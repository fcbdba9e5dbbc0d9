import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import { waitFor } from '@signpost/testing';
import type { Answer, AnyJson } from './support/installation.ts';
import { startTwoWorkspaces, type TwoWorkspaces } from './support/two-workspaces.ts';

let world: TwoWorkspaces;
beforeAll(async () => {
  world = await startTwoWorkspaces();
  await waitFor(async () => (await world.asStranger('GET', '/v1/deliveries')).body.data.length === 2, {
    description: "the stranger's own events are fanned out",
  });
}, 60_000);
afterAll(() => world.close());

const lists = Object.values<Operation>(operations).filter(
  ({ request }) => request.query?.shape['cursor'] !== undefined,
);
const never = '01jd3kq8e5f1x9a7m2c4v6b8n0';

/** Values of a filter: one that names what is theirs, one of the same kind that names nothing. Null: it names no thing. */
const filterValues: Readonly<Record<string, ((theirs: TwoWorkspaces['theirs']) => [AnyJson, string]) | null>> = {
  webhook_id: theirs => [theirs['wh'], `wh_${never}`],
  event_id: theirs => [theirs['evt'], `evt_${never}`],
  actor_id: theirs => [theirs['key'], `key_${never}`],
  resource_id: theirs => [theirs['wh'], `wh_${never}`],
  event_type: theirs => [theirs['event-types'], 'never.made'],
  subject: theirs => [theirs['subject'], 'never-made'],
  status: null,
  response_code: null,
  active: null,
  action: null,
  resource_type: null,
  since: null,
  until: null,
};

/** The answer without what is another one each time. */
const comparable = ({ status, body }: Answer): unknown => ({ status, ...body, request_id: undefined });

/** The cursors that the owner of a list gets, in both directions. */
async function cursorsOf(path: string, operationId: string): Promise<string[]> {
  const headers = {
    ...world.adminHeaders,
    // Of workspaces there is a second page only for the instance.
    ...(operationId === 'listWorkspaces' ? {} : { 'x-workspace-id': world.theirs['ws'] as string }),
  };
  const cursors = new Set<string>();
  for (let query = ''; ; ) {
    const { body } = await world.signpost.call('GET', `${path}?limit=1${query}`, undefined, headers);
    for (const cursor of [body.previous_cursor, body.next_cursor]) if (cursor !== null) cursors.add(cursor);
    if (body.next_cursor === null) break;
    query = `&cursor=${body.next_cursor}`;
  }
  expect(cursors.size).toBeGreaterThan(1);
  return [...cursors];
}

describe.each(lists.map(({ operationId, path }) => [operationId, path] as const))('%s', (operationId, path) => {
  test('a cursor that another workspace was given is refused like one that nobody was given', async () => {
    const madeUp = await world.asStranger('GET', `${path}?cursor=bm9uc2Vuc2U`);
    expect([madeUp.status, madeUp.body.errors]).toMatchObject([422, [{ path: 'query.cursor' }]]);
    for (const cursor of await cursorsOf(path, operationId)) {
      const seen = await world.asStranger('GET', `${path}?cursor=${cursor}`);
      expect(comparable(seen)).toEqual(comparable(madeUp));
    }
  });

  const filters = Object.keys(lists.find(list => list.operationId === operationId)?.request.query?.shape ?? {}).filter(
    name => name !== 'limit' && name !== 'cursor',
  );
  if (filters.length > 0)
    test.each(filters)('the filter %s finds nothing of theirs, like for what never was', async filter => {
      const values = filterValues[filter];
      // A new filter has to be listed above.
      expect(values).toBeDefined();
      if (values === null || values === undefined) return;
      const [theirValue, nothing] = values(world.theirs);
      const ask = (value: string): Promise<Answer> =>
        world.asStranger('GET', `${path}?limit=100&${filter}=${encodeURIComponent(value)}`);
      // It would find something in their own workspace, or the comparison proved nothing.
      if (filter !== 'actor_id')
        expect((await world.signpost.call('GET', `${path}?${filter}=${theirValue}`)).body.data).not.toEqual([]);
      const found = await ask(theirValue);
      expect(found).toMatchObject({ status: 200, body: { data: [], next_cursor: null, previous_cursor: null } });
      expect(comparable(found)).toEqual(comparable(await ask(nothing)));
    });

  test('shows nothing of theirs, nor how much there is', async () => {
    const { text, body } = await world.asStranger('GET', `${path}?limit=100`);
    for (const id of Object.values(world.theirs)) expect(text).not.toContain(`"${id}"`);
    expect(body.next_cursor).toBeNull();
  });
});

test('a body that names what is theirs answers as for what never was', async () => {
  const { theirs, receiver, asStranger } = world;
  const webhook = { url: receiver.url, events: ['own.made'] };
  const own = (await asStranger('GET', '/v1/webhooks')).body.data[0].id;
  const event = { event_type: 'own.made', data: 1 };
  const bodies: [method: string, path: string, bodyOf: (name: string) => unknown][] = [
    ['POST', '/v1/webhooks', contract => ({ ...webhook, contract })],
    ['PATCH', `/v1/webhooks/${own}`, contract => ({ contract })],
    ['PUT', '/v1/contracts/their-contract', name => ({ name })],
    ['POST', '/v1/contracts/preview', contract => ({ contract, event, secret: 'x'.repeat(40) })],
  ];
  for (const [method, path, bodyOf] of bodies) {
    const [theirName, nothing] = [theirs['contracts'] as string, 'never-contract'];
    const answers = [];
    for (const name of [theirName, nothing]) {
      const answer = await asStranger(method, path.replace('their-contract', name), bodyOf(name));
      answers.push({ status: answer.status, body: { ...answer.body, request_id: '' } });
    }
    const [ofTheirs, ofNothing] = answers.map(answer => JSON.stringify(answer)) as [string, string];
    expect(answers[0]?.status).toBeGreaterThanOrEqual(404);
    expect(ofTheirs.replaceAll(theirName, nothing)).toBe(ofNothing);
  }
  // An id that only stands in a text is a text: theirs is not looked up.
  const previews = [];
  for (const id of [theirs['evt'], `evt_${never}`]) {
    const preview = { contract: 'standard', event, secret: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' };
    const { status, body } = await asStranger('POST', '/v1/contracts/preview', { ...preview, event_id: id });
    previews.push([status, body.headers['webhook-id'] === id]);
  }
  expect(previews).toEqual([
    [200, true],
    [200, true],
  ]);
});
