import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { createSignpostClient } from '@signpost/client';
import { waitFor } from '@signpost/testing';
import { internalFaultsIn } from './app-slot.ts';
import { compare, type PublishedEvent } from './compare.ts';
import { readChaosArguments } from './options.ts';
import { type FaultCount, findUnmetKinds } from './fault-rounds.ts';
import { faultKinds, planFaults } from './plan.ts';
import { startProducers } from './producers.ts';
import { createRandom } from './random.ts';
import type { ReceivedRow } from './receiver-messages.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { type ChaosEvent, makeData, makeEvent, webhooks } from './traffic.ts';

const run = promisify(execFile);

describe('the plan', () => {
  const first = (seed: number) => {
    const faults = planFaults(createRandom(seed));
    return Array.from({ length: 2000 }, () => faults.next().value);
  };

  test('is the same for the same seed, and another for another', () => {
    expect(first(7)).toEqual(first(7));
    expect(first(7)).not.toEqual(first(8));
    expect(makeEvent(createRandom(7), 5)).toEqual(makeEvent(createRandom(7), 5));
    expect(makeData(createRandom(7), 5)).toEqual(makeData(createRandom(7), 5));
  });

  test.each([1, 2, 3])('holds every kind of fault before any comes again, and freezes beyond the lease', seed => {
    const planned = first(seed);
    const kinds = planned.slice(0, faultKinds.length).map(({ fault }) => fault.kind);
    expect(kinds.toSorted()).toEqual(faultKinds);
    expect(planned.some(({ fault }) => fault.kind === 'freeze' && fault.forMs > 2000)).toBe(true);
  });
});

test('a kind of fault that was planned and never carried out fails the run; a long run has to meet them all', () => {
  const count = (kind: FaultCount['kind'], done: Record<string, number>): FaultCount => ({
    kind,
    done,
    skipped: 1,
    failed: 1,
  });
  const all = faultKinds.map(kind => count(kind, { redis: 1 }));
  expect(findUnmetKinds(all, 120_000)).toEqual([]);
  expect(findUnmetKinds([count('kill', { api: 2 }), count('fill', {})], 20_000)).toEqual([
    'no fault of the kind "fill" was carried out',
  ]);
  expect(findUnmetKinds(all.slice(1), 20_000)).toEqual([]);
  expect(findUnmetKinds(all.slice(1), 120_000)).toEqual(['no fault of the kind "crash" was carried out']);
});

describe('the comparison', () => {
  const event: ChaosEvent = { n: 1, eventType: 'call.ended', subject: null, channels: [] };
  const published = new Map<number, PublishedEvent>([[1, { event, ids: ['evt_1'], acknowledgedMs: 1000 }]]);
  const row = (path: string, changes: Partial<ReceivedRow> = {}): ReceivedRow => ({
    path,
    id: 'evt_1',
    n: 1,
    requests: 1,
    taken: 1,
    firstTakenMs: 1500,
    otherBodies: 0,
    ...changes,
  });
  const kinds = (rows: readonly ReceivedRow[], events = published, unsigned: readonly string[] = []) =>
    compare(events, webhooks, rows, unsigned).violations.map(({ kind }) => kind);
  const all = [row('/all'), row('/calls')];

  test('passes where each webhook that wants an event has taken it, and counts more than one success as duplicates', () => {
    expect(compare(published, webhooks, [row('/all', { requests: 4, taken: 3 }), row('/calls')], [])).toEqual({
      violations: [],
      expected: 2,
      duplicates: 2,
      delaysMs: [500, 500],
    });
  });

  test('finds an event that did not arrive, or was only refused', () => {
    expect(kinds([row('/all')])).toEqual(['missing']);
    expect(kinds([row('/all'), row('/calls', { taken: 0, firstTakenMs: null })])).toEqual(['missing']);
  });

  test('finds an event where nobody wants it, one that nobody published, and one under another id', () => {
    expect(kinds([...all, row('/invoices')])).toEqual(['foreign']);
    expect(kinds([...all, row('/all', { n: 2 })])).toEqual(['unknown_event']);
    expect(kinds([row('/all', { id: 'evt_2' }), row('/calls')])).toEqual(['unknown_event']);
  });

  test('finds an event that was stored twice, other bytes, and a wrong signature', () => {
    expect(kinds([...all, row('/all', { id: 'evt_2' })])).toEqual(['unknown_event', 'doubled_event']);
    expect(kinds(all, new Map([[1, { event, ids: ['evt_1', 'evt_2'], acknowledgedMs: 1 }]]))).toEqual([
      'doubled_event',
    ]);
    expect(kinds([row('/all', { otherBodies: 1 }), row('/calls')])).toEqual(['other_body']);
    expect(kinds(all, published, ['/all evt_1'])).toEqual(['unsigned']);
  });

  test('demands nothing for an event that was never acknowledged, and lets it arrive', () => {
    const unclear = new Map([[1, { event, ids: [], acknowledgedMs: null }]]);
    expect(kinds([], unclear)).toEqual([]);
    expect(kinds([row('/all')], unclear)).toEqual([]);
  });
});

test.each([
  [
    'a fault of the API',
    500,
    '{"type":"about:blank","title":"t","status":500,"detail":"d","code":"internal"}',
    'internal',
  ],
  ['an answer that the API does not give', 502, '<html>', 'invalid_answer'],
])('%s fails the run, although a repeat would succeed', async (_name, status, body, code) => {
  const server = createHttpServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createSignpostClient({ baseUrl, apiKey: 'sk_live_1', retryLimit: 0 });
  const producers = startProducers({ clients: [client], random: createRandom(1), runId: 'run', eventsPerSecond: 20 });
  await waitFor(() => producers.counts.refused.length > 0, { description: 'an answer is told as a failure' });
  await producers.stop(0);
  await client.close();
  server.close();
  expect(producers.counts.refused[0]).toMatch(new RegExp(`^${code}: `));
});

test('an API that answered 500 says so, also when the client has repeated the request', () => {
  const line = (code: string) => JSON.stringify({ level: 'error', path: '/v1/events', status: 500, code });
  const log = [line('store_unavailable'), line('internal'), 'cut {"code":'].join('\n');
  expect(internalFaultsIn(log)).toEqual([line('internal')]);
});

test('the command line wants numbers', () => {
  expect(readChaosArguments(['--hours', '2', '--seed', '9'], 1)).toMatchObject({ kind: 'run', seconds: 7200, seed: 9 });
  expect(readChaosArguments([], 1)).toMatchObject({ kind: 'run', seconds: 120, seed: 1, verbose: false });
  for (const args of [['--seconds', 'x'], ['--seed', '1.5'], ['--rate', '0'], ['--frobnicate']])
    expect(readChaosArguments(args, 1).kind).toBe('wrong');
});

test('the proxy lets bytes through, holds them, and swallows answers', async () => {
  const asked: string[] = [];
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.on('data', data => {
      asked.push(String(data));
      socket.write(`answer to ${String(data)}`);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const proxy = await startTcpProxy((server.address() as AddressInfo).port);
  const open = () => {
    const socket = connect(proxy.port, '127.0.0.1');
    const seen = { text: '', closed: false };
    socket.on('data', data => (seen.text += String(data)));
    socket.on('error', () => {});
    socket.on('close', () => (seen.closed = true));
    return { socket, seen };
  };
  const one = open();
  one.socket.write('1');
  await waitFor(() => one.seen.text === 'answer to 1', { description: 'the answer is there' });
  proxy.stall();
  one.socket.write('2');
  const direct = connect((server.address() as AddressInfo).port, '127.0.0.1');
  direct.write('direct');
  await waitFor(() => asked.includes('direct'), { description: 'a later question has come another way' });
  expect(asked).not.toContain('2');
  direct.destroy();
  proxy.heal();
  await waitFor(() => one.seen.text.endsWith('answer to 2'), { description: 'the held bytes are through' });
  proxy.swallow();
  one.socket.write('3');
  await waitFor(() => asked.includes('3'), { description: 'the third question is through' });
  proxy.heal();
  await waitFor(() => one.seen.closed, { description: 'its connection is closed' });
  expect(one.seen.text).not.toContain('answer to 3');
  proxy.cut();
  const refused = open();
  await waitFor(() => refused.seen.closed, { description: 'a new connection is refused' });
  await proxy.close();
  server.close();
});

test('a run that is interrupted leaves no process behind', async () => {
  const chaos = spawn(process.execPath, ['tests/chaos/run.ts', '--seconds', '100', '--seed', '3', '--verbose'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: undefined },
  });
  let output = '';
  chaos.stdout.on('data', data => (output += String(data)));
  const ended = new Promise<number | null>(resolve => chaos.once('exit', code => resolve(code)));
  // With something frozen, which takes no polite signal.
  await waitFor(() => / freeze /.test(output), { timeoutMs: 90_000, description: 'something is frozen' });
  const children = await descendantsOf(chaos.pid as number);
  expect(children.length).toBeGreaterThan(8);
  chaos.kill('SIGINT');
  expect(await ended).toBe(130);
  await waitFor(() => children.every(pid => !isAlive(pid)), {
    timeoutMs: 20_000,
    description: 'all of them have ended',
  });
}, 150_000);

async function descendantsOf(pid: number): Promise<number[]> {
  const { stdout: table } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  const rows = table.split('\n').map(line => line.trim().split(/\s+/).map(Number));
  const found = new Set([pid]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const [child, parent] of rows) if (found.has(parent as number)) found.add(child as number);
  }
  found.delete(pid);
  return [...found];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
