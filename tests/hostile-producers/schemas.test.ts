import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Answer, type AnyJson, type Installation, startInstallation } from '../support/installation.ts';

let signpost: Installation;
beforeAll(async () => {
  signpost = await startInstallation({ dispatchers: 0 });
}, 60_000);
afterAll(() => signpost.close());
let workspaces = 0;
/** Of a workspace that is new for each test: schemas of one workspace share what they may take. */
let call: (method: string, path: string, body?: unknown) => Promise<Answer>;
beforeEach(async () => {
  const admin = { authorization: `Bearer ${signpost.environment['ADMIN_API_KEY']}` };
  const { body } = await signpost.call('POST', '/v1/workspaces', { name: `schemas ${(workspaces += 1)}` }, admin);
  call = (method, path, sent) => signpost.call(method, path, sent, { ...admin, 'x-workspace-id': body.id });
});

/** A validation is stopped after 250 ms, a compilation after 500; the rest is the machine. */
const limitMs = 3000;

async function inTime(call: Promise<Answer>): Promise<Answer> {
  const startedMs = performance.now();
  const answer = await call;
  expect(performance.now() - startedMs).toBeLessThan(limitMs);
  return answer;
}

const createType = (schema: unknown): Promise<Answer> =>
  inTime(call('POST', '/v1/event-types', { name: 'order.paid', schema }));
const publish = (data: unknown): Promise<Answer> =>
  inTime(call('POST', '/v1/events', { event_type: 'order.paid', data }));

/** `levels` objects inside each other, below `properties.a`. */
const deepSchema = (levels: number): AnyJson =>
  levels === 0 ? { type: 'string' } : { properties: { a: deepSchema(levels - 1) } };

describe('the schema of an event type', () => {
  test('with a pattern that backtracks without end refuses what it cannot decide, and others go on meanwhile', async () => {
    expect((await createType({ type: 'string', pattern: '^(a+)+$' })).status).toBe(201);
    const evil = Array.from({ length: 6 }, () => publish(`${'a'.repeat(50_000)}!`));
    const live = await inTime(signpost.call('GET', '/health/live'));
    expect(live.status).toBe(200);
    for (const { status, body } of await Promise.all(evil))
      expect(['422 event_data_invalid', '429 schema_too_slow']).toContain(`${status} ${body.code}`);
    // The workspace's event types without a schema are not concerned.
    await call('POST', '/v1/event-types', { name: 'order.sent' });
    const other = await inTime(call('POST', '/v1/events', { event_type: 'order.sent', data: 1 }));
    expect(other.status).toBe(202);
  });

  test('as deep as a body may be is taken, deeper is refused', async () => {
    expect((await createType(deepSchema(31))).status).toBe(201);
    expect((await publish({ a: { a: 1 } })).status).toBe(202);
    expect((await call('PATCH', '/v1/event-types/order.paid', { schema: deepSchema(32) })).body.code).toBe(
      'body_too_deep',
    );
  });

  test.each<[string, unknown, number]>([
    ['4,000 alternatives', { anyOf: Array.from({ length: 4000 }, (_, n) => ({ const: n })) }, 201],
    ['9,000 values', { enum: Array.from({ length: 9000 }, (_, n) => n) }, 201],
    [
      '3,000 properties',
      { properties: Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`p${n}`, {}])) },
      201,
    ],
    ['more than 64 KiB', { description: 'x'.repeat(64 * 1024) }, 422],
    ['a reference to another host', { $ref: 'http://127.0.0.1:1/schema.json' }, 422],
    ['a reference to a file', { $ref: 'file:///etc/passwd' }, 422],
    ['a reference to itself', { $ref: '#' }, 201],
    ['keywords of the wrong type', { type: 7, properties: [], required: 'a', pattern: {} }, 422],
    ['a pattern that is none', { pattern: '(' }, 422],
    ['a size beyond numbers', { minLength: 1e308 }, 201],
    [
      'properties named like parts of every object',
      { properties: { constructor: {}, toString: {}, valueOf: {} } },
      201,
    ],
  ])('with %s is answered in time, and so is what is published by it', async (_what, schema, status) => {
    const created = await createType(schema);
    // A machine that is short of time may find it too slow to compile: 422, never a fault.
    expect([status, 422]).toContain(created.status);
    if (created.status === 422) expect(created.body.errors.length).toBeGreaterThan(0);
    else expect([202, 422, 429]).toContain((await publish({ constructor: 1, a: [1] })).status);
  });

  test.each<[string, unknown]>([
    ['true', true],
    ['a list', []],
    ['a text', '{}'],
    ['a number', 1],
  ])('that is %s is refused', async (_what, schema) => {
    const refused = await createType(schema);
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.schema']);
  });

  test('an example that would take for ever is refused with the event type', async () => {
    const refused = await inTime(
      call('POST', '/v1/event-types', {
        name: 'order.paid',
        schema: { type: 'string', pattern: '^(a|a)*$' },
        example: `${'a'.repeat(5000)}!`,
      }),
    );
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.example']);
  });
});
