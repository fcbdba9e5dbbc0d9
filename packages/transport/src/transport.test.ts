import diagnostics from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import type { ResolvedAddress } from './resolver.ts';
import { ok, send, until, useTransports } from './test-support/transport-fixture.ts';

const fixture = useTransports();

describe('a request', () => {
  test('carries method, path, query, headers and body as given', async () => {
    const receiver = await fixture.receiving(socket => socket.write(ok));
    await send(fixture.transportOf(), `${receiver.url}?a=1&b=%20#fragment`, {
      method: 'PUT',
      headers: { 'Webhook-Id': 'msg_1' },
      body: Buffer.from('{"ü":1}'),
    });
    const [request] = receiver.requests;
    expect(request?.head.split('\r\n').sort()).toEqual(
      [
        'PUT /hook?a=1&b=%20 HTTP/1.1',
        `host: 127.0.0.1:${receiver.port}`,
        'connection: keep-alive',
        'Webhook-Id: msg_1',
        'accept-encoding: identity',
        'content-length: 8',
      ].sort(),
    );
    expect(Buffer.from(request?.body ?? '', 'latin1').toString('utf8')).toBe('{"ü":1}');
  });

  test.each(['Host', 'connection', 'Transfer-Encoding', 'upgrade', 'Expect', 'keep-alive', 'TE'])(
    'that sets %s is not sent',
    async name => {
      const receiver = await fixture.receiving(socket => socket.write(ok));
      const outcome = await send(fixture.transportOf(), receiver.url, { headers: { [name]: 'x' } });
      expect(outcome).toMatchObject({
        kind: 'no_response',
        code: 'internal',
        phase: 'queued',
        message: expect.stringContaining(name),
      });
      expect(receiver.connections).toBe(0);
    },
  );

  test.each<[string, Record<string, string>]>([
    ['a line end in a header', { 'x-a': 'a\r\nx-b: b' }],
    ['a header outside latin1', { 'x-a': '€' }],
    ['a header name with a space', { 'x a': 'b' }],
    ['another content length', { 'content-length': '7' }],
  ])('with %s is not sent, and harms no connection', async (_name, headers) => {
    const receiver = await fixture.receiving(socket => socket.write(ok));
    const transport = fixture.transportOf();
    expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
    expect(await send(transport, receiver.url, { headers })).toMatchObject({
      kind: 'no_response',
      code: 'internal',
      phase: 'queued',
    });
    expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
    expect({ requests: receiver.requests.length, connections: receiver.connections }).toEqual({
      requests: 2,
      connections: 1,
    });
  });

  test('reaches a receiver whose first address does not answer', async () => {
    const receiver = await fixture.receiving(socket => socket.write(ok));
    const resolve = async (): Promise<ResolvedAddress[]> => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    expect(await send(fixture.transportOf({ resolve }), `http://hooks.example.com:${receiver.port}/`)).toMatchObject({
      statusCode: 200,
    });
  });

  test('to a port where nothing listens is refused', async () => {
    const receiver = await fixture.receiving(() => undefined);
    await receiver.close();
    expect(await send(fixture.transportOf(), receiver.url)).toMatchObject({
      kind: 'no_response',
      code: 'connect_refused',
      phase: 'connect',
    });
    const resolve = async (): Promise<ResolvedAddress[]> => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    expect(await send(fixture.transportOf({ resolve }), `http://hooks.example.com:${receiver.port}/`)).toMatchObject({
      code: 'connect_refused',
    });
  });
});

describe('the deadline', () => {
  test('ends an attempt that waits in line, and its request is never written', async () => {
    const held: Socket[] = [];
    const receiver = await fixture.receiving(socket => void held.push(socket));
    const transport = fixture.transportOf({ connectionsPerOrigin: 1 });
    const first = send(transport, receiver.url, { body: Buffer.from('first') });
    await until(() => held.length === 1);
    const second = await send(transport, receiver.url, { body: Buffer.from('second'), timeoutMs: 100 });
    expect(second).toMatchObject({ kind: 'no_response', code: 'timeout', phase: 'queued' });
    const third = send(transport, receiver.url, { body: Buffer.from('third') });
    held.shift()?.write(ok);
    await until(() => held.length === 1);
    held.shift()?.write(ok);
    expect(await Promise.all([first, third])).toMatchObject([{ statusCode: 200 }, { statusCode: 200 }]);
    expect(receiver.requests.map(request => request.body)).toEqual(['first', 'third']);
  });

  test('ends the wait for a name, and a late answer dials nothing', async () => {
    let dialled = 0;
    const count = (): void => void (dialled += 1);
    diagnostics.subscribe('net.client.socket', count);
    let answer: (addresses: ResolvedAddress[]) => void = () => undefined;
    const transport = fixture.transportOf({ resolve: () => new Promise(resolve => (answer = resolve)) });
    expect(await send(transport, 'http://hooks.example.com:8080/', { timeoutMs: 100 })).toMatchObject({
      code: 'timeout_dns',
      phase: 'dns',
    });
    answer([{ address: '127.0.0.1', family: 4 }]);
    await new Promise(resolve => setImmediate(resolve));
    diagnostics.unsubscribe('net.client.socket', count);
    expect(dialled).toBe(0);
    expect(transport.stats()).toMatchObject({ origins: 0, openingConnections: 0 });
  });

  // Other systems size the accept queue differently.
  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('ends a connection that is not accepted, and happy eyeballs goes around it', async () => {
    // A thread that stands still accepts nothing: two connections fill its queue, and the kernel ignores the next.
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const { port } = await fixture.receiving(socket => socket.write(ok));
    const worker = new Worker(receiverThatStandsStill, { eval: true, workerData: { flag, port } });
    await new Promise(resolve => worker.once('message', resolve));
    const fillers = [connect(port, '127.0.0.2'), connect(port, '127.0.0.2')];
    await Promise.all(fillers.map(filler => new Promise(resolve => filler.once('connect', resolve))));
    const deaf = { address: '127.0.0.2', family: 4 } as const;
    const url = `http://hooks.example.com:${port}/`;
    const alone = await send(fixture.transportOf({ resolve: async () => [deaf] }), url, { timeoutMs: 150 });
    expect(alone).toMatchObject({ code: 'timeout_connect', phase: 'connect' });
    const beside = fixture.transportOf({ resolve: async () => [deaf, { address: '127.0.0.1', family: 4 }] });
    expect(await send(beside, url)).toMatchObject({ kind: 'response', statusCode: 200 });
    for (const filler of fillers) filler.destroy();
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    await worker.terminate();
  });

  test('ends a request that is on the wire, closes its connection and frees its place', async () => {
    const receiver = await fixture.receiving((socket, request) => void (request.connection > 3 && socket.write(ok)));
    const transport = fixture.transportOf({ connectionsPerOrigin: 3 });
    const outcomes = await Promise.all([1, 2, 3].map(() => send(transport, receiver.url, { timeoutMs: 100 })));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'timeout_headers', phase: 'request' });
    await receiver.allClosed();
    expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
  });
});

/** Listens with a queue of two and then never accepts, until flag[0] is set. */
const receiverThatStandsStill = `
const { parentPort, workerData: { flag, port } } = require('node:worker_threads');
const server = require('node:net').createServer(socket => socket.on('error', () => undefined));
server.listen({ port, host: '127.0.0.2', backlog: 1 }, () => {
  parentPort.postMessage('listening');
  setImmediate(() => Atomics.wait(flag, 0, 0));
});
`;
