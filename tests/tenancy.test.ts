import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Receiver } from '@signpost/testing';
import type { Answer, Installation } from './support/installation.ts';
import { ownContract, startTwoWorkspaces, type TwoWorkspaces } from './support/two-workspaces.ts';

let world: TwoWorkspaces;
let signpost: Installation;
let receiver: Receiver;
let theirs: TwoWorkspaces['theirs'];
beforeAll(async () => {
  world = await startTwoWorkspaces();
  ({ signpost, receiver, theirs } = world);
}, 60_000);
afterAll(() => world.close());

const asStranger: TwoWorkspaces['asStranger'] = (...call) => world.asStranger(...call);

/** An answer without what is another one each time. */
function comparable({ status, headers, body }: Answer): object {
  const own = new Set(['x-request-id', 'date', 'ratelimit']);
  const same = [...headers].filter(([name]) => !own.has(name));
  return { status, headers: same, body: { ...body, request_id: undefined } };
}

/** A body that would be valid if the thing were the caller's own. */
const validBodies: Record<string, unknown> = {
  'PATCH /v1/webhooks/{id}': { description: 'mine now' },
  'POST /v1/webhooks/{id}/test': { event_type: 'call.ended' },
  'POST /v1/webhooks/{id}/rotate-secret': {},
  'PATCH /v1/event-types/{name}': { description: 'mine now' },
  'PUT /v1/contracts/{name}': ownContract,
  'PATCH /v1/workspaces/{id}': { contract: 'repixa' },
};

describe('what belongs to another workspace', () => {
  test('answers 404 on every route that names a thing, exactly as if it did not exist', async () => {
    const routes = Object.entries(world.document.paths).flatMap(([path, methods]) =>
      path.includes('{') && path.startsWith('/v1/')
        ? Object.keys(methods).map(method => ({ path, method: method.toUpperCase() }))
        : [],
    );
    expect(routes.length).toBeGreaterThanOrEqual(14);
    for (const { path, method } of routes) {
      const [, collection] = path.split('/').slice(1);
      // Whoever sets an agent's URL makes an agent of their own; see the test below.
      if (`${method} ${path}` === 'PUT /v1/agents/{id}') continue;
      const prefix = {
        agents: 'agent',
        webhooks: 'wh',
        events: 'evt',
        deliveries: 'del',
        'api-keys': 'key',
        workspaces: 'ws',
      }[collection ?? ''];
      const [existing, missing] =
        prefix === undefined
          ? [theirs[collection ?? ''] as string, 'never']
          : [theirs[prefix] as string, `${prefix}_01jd3kq8e5f1x9a7m2c4v6b8n0`];
      const body = validBodies[`${method} ${path}`];
      const answers = [];
      for (const id of [existing, missing]) answers.push(await asStranger(method, path.replace(/\{\w+\}/, id), body));
      const [ofTheirs, ofNothing] = answers as [Answer, Answer];
      const forbidden = path.startsWith('/v1/workspaces') && method !== 'GET' ? [404, 403] : [404];
      expect({ route: `${method} ${path}`, status: ofTheirs.status }).toEqual({
        route: `${method} ${path}`,
        status: expect.any(Number),
      });
      expect(forbidden).toContain(ofTheirs.status);
      expect({ route: `${method} ${path}`, ...comparable(ofTheirs) }).toEqual({
        route: `${method} ${path}`,
        ...comparable(ofNothing),
      });
    }
    // And nothing was changed by trying.
    expect((await signpost.call('GET', `/v1/webhooks/${theirs['wh']}`)).body.description).toBeNull();
  });

  test('an agent of the same id is another one: its URL can neither be seen, nor changed, nor removed', async () => {
    const agent = `/v1/agents/${theirs['agent']}`;
    const before = await signpost.call('GET', agent);
    const made = await asStranger('PUT', agent, { webhook_url: `${receiver.url}/strangers` });
    expect([made.status, made.body.webhook_url]).toEqual([201, `${receiver.url}/strangers`]);
    expect(made.body.webhook_id).not.toBe(before.body.webhook_id);
    expect((await asStranger('PUT', agent, { webhook_url: null })).body.webhook_id).toBeNull();
    const after = await signpost.call('GET', agent);
    expect([after.status, after.body]).toEqual([200, before.body]);
    expect(before.body.webhook_url).toBe(`${receiver.url}/`);
  });

  test('cannot be reached by naming the workspace', async () => {
    const named = await signpost.call('GET', '/v1/webhooks', undefined, {
      authorization: `Bearer ${world.strangerKey}`,
      'x-workspace-id': theirs['ws'] as string,
    });
    expect(named.status).toBe(404);
  });

  test('an idempotency key is not shared', async () => {
    const body = { event_type: 'call.ended', data: { n: 1 }, idempotency_key: 'shared' };
    const [mine, strangers] = [
      await signpost.call('POST', '/v1/events', body),
      await asStranger('POST', '/v1/events', body),
    ];
    expect([mine.status, strangers.status]).toEqual([202, 202]);
    expect(mine.body.id).not.toBe(strangers.body.id);
  });
});
