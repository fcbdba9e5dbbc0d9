import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import { ok, send, until, useTransports } from './test-support/transport-fixture.ts';

const fixture = useTransports();

describe('connections', () => {
  test('are never more than the limit, and every request gets its own answer', async () => {
    let most = 0;
    const receiver = await fixture.receiving((socket, request) => {
      most = Math.max(most, receiver.open.size);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${request.body.length}\r\n\r\n${request.body}`);
    });
    const transport = fixture.transportOf({ connectionsPerOrigin: 8 });
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
    const receiver = await fixture.receiving(socket =>
      socket.write(ok.replace('content-length', 'keep-alive: timeout=3\r\ncontent-length')),
    );
    const transport = fixture.transportOf();
    await Promise.all([1, 2, 3].map(() => send(transport, receiver.url)));
    expect(transport.stats()).toMatchObject({ origins: 1, idleConnections: 3 });
    await receiver.allClosed();
    await until(() => transport.stats().origins === 0);
    expect(transport.stats()).toMatchObject({ openConnections: 0, idleConnections: 0 });
  });

  test('that took the place of one the receiver had done with count against the limit, and are closed by close()', async () => {
    const receiver = await fixture.receiving(socket =>
      socket.write(receiver.requests.length === 1 ? ok.replace('\r\n', '\r\nconnection: close\r\n') : ok),
    );
    const transport = fixture.transportOf({ connectionsPerOrigin: 1 });
    for (let sent = 1; sent <= 3; sent += 1)
      expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
    expect(receiver.requests.map(request => request.connection)).toEqual([1, 2, 2]);
    expect(transport.stats()).toMatchObject({ origins: 1, openConnections: 1, idleConnections: 1 });
    await transport.close();
    await receiver.allClosed();
    expect(transport.stats()).toMatchObject({ origins: 0, openConnections: 0 });
  });

  test('are closed by close(), after the requests under way had their answer', async () => {
    const held: Socket[] = [];
    const receiver = await fixture.receiving(socket => void held.push(socket));
    const transport = fixture.transportOf();
    const underWay = send(transport, receiver.url);
    await until(() => held.length === 1);
    const closing = transport.close();
    expect(await send(transport, receiver.url)).toMatchObject({
      kind: 'no_response',
      code: 'internal',
      phase: 'queued',
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
    const receiver = await fixture.receiving(socket => socket.end(ok, () => (ended += 1)));
    const transport = fixture.transportOf({ connectionsPerOrigin: 1 });
    for (let sent = 1; sent <= 50; sent += 1) {
      expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
      await until(() => ended === sent);
    }
    expect(receiver.requests).toHaveLength(50);
  });

  test('while another request has already been given to it costs that request nothing', async () => {
    // HTTP/1.0 without keep-alive: the end of the answer ends the connection, and only undici knows.
    const receiver = await fixture.receiving(socket => socket.write('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    const transport = fixture.transportOf({ connectionsPerOrigin: 2 });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => send(transport, receiver.url)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ statusCode: 200 });
    expect(receiver.requests.map(request => request.connection).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  test('so that the write itself fails is replaced within the attempt', async () => {
    // The receiver lives in a thread of its own and resets the connection while this thread stands still between
    // undici's last look at the idle socket and its write.
    const flags = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(receiverThatResets, { eval: true, workerData: flags });
    const port = await new Promise<number>(resolve => worker.once('message', resolve));
    const transport = fixture.transportOf();
    expect(await send(transport, `http://127.0.0.1:${port}/`)).toMatchObject({ statusCode: 200 });
    // The connection rests for one turn of the event loop before it counts as idle.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(resolve => setImmediate(resolve));
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
