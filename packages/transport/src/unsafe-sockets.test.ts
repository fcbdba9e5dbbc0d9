import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { ok, send, useTransports } from './test-support/transport-fixture.ts';

const fixture = useTransports();

describe('a socket after an unsafe exchange', () => {
  test.each<[string, string]>([
    ['204 with a body', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello'],
    ['304 with a body', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nhello'],
    ['304 with a body in chunks', 'HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'],
    ['HTTP/2.0', ok.replace('1.1', '2.0')],
    ['connection: keep-alive, close', ok.replace('content-length', 'connection: keep-alive, Close\r\ncontent-length')],
    ['bytes after the body', `${ok}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged`],
    ['garbage after the body', `${ok}xxxx`],
    ['connection: close', ok.replace('content-length', 'connection: close\r\ncontent-length')],
    ['an end that only closing shows', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    ['a keep-alive time that is over', ok.replace('content-length', 'keep-alive: timeout=1\r\ncontent-length')],
    ['a truncated body', `HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n${'x'.repeat(70_000)}`],
  ])('%s: the next request goes over a new connection and gets its own answer', async (_name, answer) => {
    const receiver = await fixture.receiving((socket, request) =>
      socket.write(request.connection === 1 ? answer : ok.replace('ok', 'no')),
    );
    const transport = fixture.transportOf({ connectionsPerOrigin: 1 });
    expect(await send(transport, receiver.url)).toMatchObject({ kind: 'response', statusCode: expect.any(Number) });
    expect(await send(transport, receiver.url)).toMatchObject({ kind: 'response', statusCode: 200, body: 'no' });
    expect(receiver.requests.map(request => request.connection)).toEqual([1, 2]);
  });

  test('after a complete exchange it is used again', async () => {
    const receiver = await fixture.receiving(socket => socket.write(ok));
    const transport = fixture.transportOf();
    for (let sent = 0; sent < 5; sent += 1)
      expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
    expect(receiver.connections).toBe(1);
  });
});

test('2,000 exchanges with a receiver that misbehaves at random leave nothing behind', async () => {
  const random = seededRandom(20_240_607);
  const moods: ((socket: Socket) => unknown)[] = [
    socket => socket.write(ok),
    socket => socket.write(ok),
    socket => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${ok}`),
    socket => socket.write(ok.replace('1.1', '1.0')),
    socket => socket.end(ok),
    socket => socket.write(ok, () => setImmediate(() => socket.resetAndDestroy())),
    socket => socket.end(),
    socket => socket.resetAndDestroy(),
    () => undefined,
    socket => socket.write(`${ok}garbage`),
    socket => socket.write('HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc'),
    socket => socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(100_000)}`),
    socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab'),
    socket => socket.write('HTTP/1.1 000 None\r\n\r\n'),
  ];
  const receiver = await fixture.receiving(socket => moods[Math.floor(random() * moods.length)]?.(socket));
  const transport = fixture.transportOf({ connectionsPerOrigin: 8 });
  const codes = new Set<string>();
  let left = 2_000;
  const sendOn = async (): Promise<void> => {
    while (left-- > 0) {
      const outcome = await send(transport, receiver.url, { timeoutMs: 30 });
      codes.add(outcome.kind === 'response' ? String(outcome.statusCode) : outcome.code);
      expect(outcome.durationMs).toBeLessThan(1_000);
    }
  };
  await Promise.all(Array.from({ length: 20 }, sendOn));
  // `timeout` and `timeout_connect` are possible besides these on a busy machine; `internal` would be a fault of ours.
  expect([...codes]).toEqual(
    expect.arrayContaining(['200', '204', 'connection_reset', 'protocol_error', 'timeout_headers']),
  );
  expect([...codes]).not.toContain('internal');
  await transport.close();
  await receiver.allClosed();
  expect(transport.stats()).toEqual({
    origins: 0,
    openConnections: 0,
    idleConnections: 0,
    openingConnections: 0,
    queuedAttempts: 0,
    runningAttempts: 0,
  });
}, 30_000);

/** A linear congruential generator: the same numbers at every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
