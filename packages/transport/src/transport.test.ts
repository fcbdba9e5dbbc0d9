import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AttemptOutcome } from '@signpost/delivery';
import { createAddressPolicy } from './address-policy.ts';
import type { ResolvedAddress } from './resolver.ts';
import { type RawReceiver, type RawRequest, startRawReceiver } from './test-support/raw-receiver.ts';
import { createTransport, type OutgoingRequest, type Transport, type TransportOptions } from './transport.ts';

const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8', '::1'] });
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

const receivers: RawReceiver[] = [];
const transports: Transport[] = [];
afterEach(async () => {
  await Promise.all(transports.splice(0).map(transport => transport.close()));
  await Promise.all(receivers.splice(0).map(receiver => receiver.close()));
});

async function receiving(answer: (socket: Socket, request: RawRequest) => void): Promise<RawReceiver> {
  const receiver = await startRawReceiver(answer);
  receivers.push(receiver);
  return receiver;
}

function transportOf(options: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport({ policy, ...options });
  transports.push(transport);
  return transport;
}

function send(transport: Transport, url: string, changes: Partial<OutgoingRequest> = {}): Promise<AttemptOutcome> {
  return transport.send({ url, method: 'POST', headers: {}, body: Buffer.from('{}'), timeoutMs: 5_000, ...changes });
}

/** Lets the event loop turn until the condition holds; the test's own time limit ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve));
}

describe('a request', () => {
  test('carries method, path, query, headers and body as given', async () => {
    const receiver = await receiving(socket => socket.write(ok));
    await send(transportOf(), `${receiver.url}?a=1&b=%20#fragment`, {
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
      const receiver = await receiving(socket => socket.write(ok));
      const outcome = await send(transportOf(), receiver.url, { headers: { [name]: 'x' } });
      expect(outcome).toMatchObject({
        kind: 'no_response',
        code: 'internal',
        requestSent: false,
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
    const receiver = await receiving(socket => socket.write(ok));
    const transport = transportOf();
    expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
    expect(await send(transport, receiver.url, { headers })).toMatchObject({
      kind: 'no_response',
      code: 'internal',
      requestSent: false,
    });
    expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
    expect({ requests: receiver.requests.length, connections: receiver.connections }).toEqual({
      requests: 2,
      connections: 1,
    });
  });

  test('reaches a receiver whose first address does not answer', async () => {
    const receiver = await receiving(socket => socket.write(ok));
    const resolve = async (): Promise<ResolvedAddress[]> => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    expect(await send(transportOf({ resolve }), `http://hooks.example.com:${receiver.port}/`)).toMatchObject({
      statusCode: 200,
    });
  });

  test('to a port where nothing listens is refused', async () => {
    const receiver = await receiving(() => undefined);
    await receiver.close();
    expect(await send(transportOf(), receiver.url)).toMatchObject({
      kind: 'no_response',
      code: 'connect_refused',
      requestSent: false,
    });
    const resolve = async (): Promise<ResolvedAddress[]> => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    expect(await send(transportOf({ resolve }), `http://hooks.example.com:${receiver.port}/`)).toMatchObject({
      code: 'connect_refused',
    });
  });
});

describe('the deadline', () => {
  test('ends an attempt that waits in line, and its request is never written', async () => {
    const held: Socket[] = [];
    const receiver = await receiving(socket => void held.push(socket));
    const transport = transportOf({ connectionsPerOrigin: 1 });
    const first = send(transport, receiver.url, { body: Buffer.from('first') });
    await until(() => held.length === 1);
    const second = await send(transport, receiver.url, { body: Buffer.from('second'), timeoutMs: 100 });
    expect(second).toMatchObject({ kind: 'no_response', code: 'timeout', requestSent: false });
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
    const transport = transportOf({ resolve: () => new Promise(resolve => (answer = resolve)) });
    expect(await send(transport, 'http://hooks.example.com:8080/', { timeoutMs: 100 })).toMatchObject({
      code: 'timeout_dns',
      requestSent: false,
    });
    answer([{ address: '127.0.0.1', family: 4 }]);
    await new Promise(resolve => setImmediate(resolve));
    diagnostics.unsubscribe('net.client.socket', count);
    expect(dialled).toBe(0);
    expect(transport.stats()).toMatchObject({ origins: 0, openingConnections: 0 });
  });

  test('ends a request that is on the wire, closes its connection and frees its place', async () => {
    const receiver = await receiving((socket, request) => void (request.connection > 3 && socket.write(ok)));
    const transport = transportOf({ connectionsPerOrigin: 3 });
    const outcomes = await Promise.all([1, 2, 3].map(() => send(transport, receiver.url, { timeoutMs: 100 })));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'timeout_headers', requestSent: true });
    await receiver.allClosed();
    expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
  });
});

describe('connections', () => {
  test('are never more than the limit, and every request gets its own answer', async () => {
    let most = 0;
    const receiver = await receiving((socket, request) => {
      most = Math.max(most, receiver.open.size);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${request.body.length}\r\n\r\n${request.body}`);
    });
    const transport = transportOf({ connectionsPerOrigin: 8 });
    const outcomes = await Promise.all(
      Array.from({ length: 500 }, (_, index) => send(transport, receiver.url, { body: Buffer.from(`n${index}`) })),
    );
    outcomes.forEach((outcome, index) => expect(outcome).toMatchObject({ statusCode: 200, body: `n${index}` }));
    expect(most).toBe(8);
    expect(transport.stats()).toMatchObject({
      origins: 1,
      openConnections: 8,
      idleConnections: 8,
      queuedAttempts: 0,
      runningAttempts: 0,
    });
  });

  test('of an idle origin are closed, and nothing of the origin is kept', async () => {
    // undici keeps a margin of two seconds below the receiver's own limit: idle for one second.
    const receiver = await receiving(socket =>
      socket.write(ok.replace('content-length', 'keep-alive: timeout=3\r\ncontent-length')),
    );
    const transport = transportOf();
    await Promise.all([1, 2, 3].map(() => send(transport, receiver.url)));
    expect(transport.stats()).toMatchObject({ origins: 1, idleConnections: 3 });
    await receiver.allClosed();
    await until(() => transport.stats().origins === 0);
    expect(transport.stats()).toMatchObject({ openConnections: 0, idleConnections: 0 });
  });

  test('are closed by close(), after the requests under way had their answer', async () => {
    const held: Socket[] = [];
    const receiver = await receiving(socket => void held.push(socket));
    const transport = transportOf();
    const underWay = send(transport, receiver.url);
    await until(() => held.length === 1);
    const closing = transport.close();
    expect(await send(transport, receiver.url)).toMatchObject({
      kind: 'no_response',
      code: 'internal',
      requestSent: false,
    });
    held[0]?.write(ok);
    expect(await underWay).toMatchObject({ statusCode: 200 });
    await closing;
    await receiver.allClosed();
    await transport.close();
    expect(transport.stats()).toMatchObject({ origins: 0, openConnections: 0, runningAttempts: 0 });
  });
});

describe('a kept connection that the receiver closes', () => {
  test('behind its answer is noticed before the next request is written', async () => {
    let ended = 0;
    const receiver = await receiving(socket => socket.end(ok, () => (ended += 1)));
    const transport = transportOf({ connectionsPerOrigin: 1 });
    for (let sent = 1; sent <= 50; sent += 1) {
      expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
      await until(() => ended === sent);
    }
    expect(receiver.requests).toHaveLength(50);
  });

  test('while another request has already been given to it costs that request nothing', async () => {
    // HTTP/1.0 without keep-alive: the end of the answer ends the connection, and only undici knows.
    const receiver = await receiving(socket => socket.write('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    const transport = transportOf({ connectionsPerOrigin: 2 });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => send(transport, receiver.url)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ statusCode: 200 });
    expect(receiver.requests.map(request => request.connection).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  test('once it has the request is connection_reset, and the request is not repeated', async () => {
    const receiver = await receiving((socket, request) =>
      receiver.requests.length === 1 ? socket.write(ok) : socket.end(request.body.slice(0, 0)),
    );
    const transport = transportOf();
    expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
    expect(await send(transport, receiver.url)).toMatchObject({
      kind: 'no_response',
      code: 'connection_reset',
      requestSent: true,
    });
    expect(receiver.requests.map(request => request.connection)).toEqual([1, 1]);
  });

  test('so that the write itself fails is replaced within the attempt', async () => {
    // The receiver lives in a thread of its own and resets the connection while this thread stands still between
    // undici's last look at the idle socket and its write.
    const flags = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(receiverThatResets, { eval: true, workerData: flags });
    const port = await new Promise<number>(resolve => worker.once('message', resolve));
    const transport = transportOf();
    expect(await send(transport, `http://127.0.0.1:${port}/`)).toMatchObject({ statusCode: 200 });
    await until(() => transport.stats().idleConnections === 1);
    setImmediate(() => {
      worker.postMessage('reset');
      Atomics.wait(flags, 0, 0);
    });
    const outcome = await send(transport, `http://127.0.0.1:${port}/`);
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200 });
    expect(Atomics.load(flags, 1)).toBe(2);
    await worker.terminate();
  });
});

/** flags[0]: the connection has been reset; flags[1]: requests received. */
const receiverThatResets = `
const { parentPort, workerData: flags } = require('node:worker_threads');
const server = require('node:net').createServer(socket => {
  socket.on('error', () => undefined);
  socket.on('data', () => {
    Atomics.add(flags, 1, 1);
    socket.write('HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n');
  });
  parentPort.once('message', () => {
    socket.once('close', () => {
      Atomics.store(flags, 0, 1);
      Atomics.notify(flags, 0);
    });
    socket.resetAndDestroy();
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
