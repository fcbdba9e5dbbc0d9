import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import fc from 'fast-check';
import { createDocumentChecker, type DocumentChecker } from './openapi-fuzz/check-answer.ts';
import { type FuzzRequest, requestsTo } from './openapi-fuzz/requests.ts';
import { startWorld, type World } from './openapi-fuzz/world.ts';
import type { AnyJson } from './support/installation.ts';
import { createRawCaller, type RawAnswer, type RawCaller } from './support/raw-call.ts';

/** Requests to each operation; and what they are made from: a failure prints the seed that repeats it. */
const runs = Number(process.env['FUZZ_RUNS'] ?? 100);
const seed = process.env['FUZZ_SEED'] === 'random' ? Date.now() % 2 ** 31 : Number(process.env['FUZZ_SEED'] ?? 1);

/** Publishing first, while few webhooks match; what takes things away last. */
const order = [
  'publishEvent',
  'publishBatch',
  'get',
  'list',
  'create',
  'set',
  'update',
  'test',
  'rotate',
  'retry',
  'preview',
  'expunge',
  'revoke',
  'delete',
];
const rank = ({ operationId }: Operation): number => order.findIndex(verb => operationId.startsWith(verb));
const all = Object.values<Operation>(operations).toSorted((a, b) => rank(a) - rank(b));

let world: World;
let caller: RawCaller;
let checker: DocumentChecker;
beforeAll(async () => {
  world = await startWorld();
  caller = createRawCaller(world.signpost.api.url);
  checker = createDocumentChecker(world.document);
}, 60_000);
afterAll(async () => {
  caller.close();
  await world.close();
});

test('the document has every operation, and no other', () => {
  const described = Object.values<AnyJson>(world.document.paths).flatMap(methods => Object.values<AnyJson>(methods));
  expect(new Set(described.map(each => each.operationId))).toEqual(new Set(all.map(each => each.operationId)));
});

describe('whatever is sent, the answer is as documented, and what the document allows is mostly taken', () => {
  test.each(all.map(({ operationId, method, path }) => [operationId, method, path] as const))(
    '%s',
    async (operationId, method, path) => {
      const operation = { operationId, method, path, described: world.document.paths[path][method] };
      const intact = { sent: 0, taken: 0, refusals: new Map<string, number>() };
      const check = async (request: FuzzRequest): Promise<void> => {
        const answer = await caller.call(request);
        const faults = checker.faultsOf(operation, request, answer);
        if (faults.length > 0) throw new Error(describeFault(request, answer, faults));
        if (!request.intact) return;
        intact.sent += 1;
        if (answer.status < 300) intact.taken += 1;
        else {
          const why = `${answer.status} ${answer.body?.detail}`;
          intact.refusals.set(why, (intact.refusals.get(why) ?? 0) + 1);
        }
        learn(path, answer);
      };
      await fc.assert(fc.asyncProperty(requestsTo(operation, world), check), { seed, numRuns: runs });
      // What is gone cannot be taken away again.
      const least = method === 'delete' ? 1 : 0.3 * intact.sent;
      if (intact.taken < least)
        throw new Error(
          `Seed ${seed}: ${intact.taken} of ${intact.sent} were taken: ${JSON.stringify([...intact.refusals])}`,
        );
    },
    // Each request may take its time where many run at once.
    60_000 + runs * 100,
  );
});

/** Things that were made may be named by what comes later. */
function learn(path: string, { status, body }: RawAnswer): void {
  if (status === 201 && typeof body.id === 'string') {
    const [prefix = ''] = body.id.split('_');
    if (path === `/v1/${collections[prefix]}`) world.names[prefix]?.push(body.id);
  }
  if (status === 201 && path === '/v1/contracts') world.names['contracts']?.push(body.name);
  if (status === 201 && path === '/v1/event-types') world.names['event-types']?.push(body.name);
  if (status === 202 && path === '/v1/events') world.names['evt']?.push(body.id);
  for (const cursor of [body?.next_cursor, body?.previous_cursor])
    if (typeof cursor === 'string') world.cursors[path]?.push(cursor);
}
const collections: Readonly<Record<string, string>> = { wh: 'webhooks', ws: 'workspaces', key: 'api-keys' };

const maxShown = 2000;

function describeFault({ method, path, headers, body }: FuzzRequest, answer: RawAnswer, faults: string[]): string {
  const sent = `${method} ${path} ${JSON.stringify(headers)} ${String(body).slice(0, maxShown)}`;
  return `${faults.join('; ')}\n  request: ${sent}\n  answer: ${answer.status} ${answer.text.slice(0, maxShown)}`;
}
