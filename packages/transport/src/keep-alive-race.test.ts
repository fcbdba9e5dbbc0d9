import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { listen, type RawReceiver, type RawRequest } from './test-support/raw-receiver.ts';
import { deadlineMs, ok, send, useTransports } from './test-support/transport-fixture.ts';

const fixture = useTransports();
const whole = expect.any(Number);
const ends: [string, (socket: Socket) => void][] = [
  ['by closing its side', socket => socket.end()],
  ['by a reset', socket => socket.resetAndDestroy()],
];

/**
 * A receiver that answers its first request, so that the connection is kept, and does with the second and the third what
 * the test says.
 */
async function race(
  second: (socket: Socket) => void,
  third: (socket: Socket) => void = socket => socket.write(ok),
  timeoutMs = 5_000,
) {
  const answers = [(socket: Socket) => void socket.write(ok), second, third];
  const receiver: RawReceiver = await fixture.receiving(socket =>
    (answers[receiver.requests.length - 1] ?? third)(socket),
  );
  const transport = fixture.transportOf();
  expect(await send(transport, receiver.url)).toMatchObject({ statusCode: 200 });
  const body = Buffer.from('the second');
  const outcome = await send(transport, receiver.url, { headers: { 'webhook-id': 'evt_1' }, body, timeoutMs });
  expect(transport.stats()).toMatchObject({ runningAttempts: 0, openingConnections: 0 });
  return { outcome, receiver, connections: receiver.requests.map(({ connection }) => connection) };
}

const bytesOf = (request: RawRequest | undefined): string => `${request?.head}\r\n\r\n${request?.body}`;

describe('a kept connection that the receiver ends without a byte of an answer', () => {
  test.each(ends)('%s costs nothing: the same bytes go out once more, over a new one', async (_name, end) => {
    const { outcome, receiver, connections } = await race(end);
    expect(connections).toEqual([1, 1, 2]);
    expect(bytesOf(receiver.requests[2])).toBe(bytesOf(receiver.requests[1]));
    expect(receiver.requests[2]).toMatchObject({ head: expect.stringContaining('evt_1'), body: 'the second' });
    // The new connection is told of: the attempt went through its phases.
    expect(outcome).toMatchObject({
      statusCode: 200,
      phase: 'response',
      timings: { dnsMs: null, connectMs: whole, tlsMs: null, firstByteMs: whole },
    });
  });

  test.each(ends)('%s, and so does the new one: no third', async (_name, end) => {
    const { outcome, connections } = await race(end, end);
    expect(connections).toEqual([1, 1, 2]);
    expect(outcome).toMatchObject({ kind: 'no_response', code: 'connection_reset', phase: 'request' });
  });

  test('and no new one can be opened: the receiver may have the request all the same', async () => {
    let requests = 0;
    const server = createServer(socket =>
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) {
          socket.write(ok);
          return;
        }
        server.close();
        socket.end();
      }),
    );
    const url = `http://127.0.0.1:${await listen(server)}/`;
    const transport = fixture.transportOf();
    expect(await send(transport, url)).toMatchObject({ statusCode: 200 });
    const outcome = await send(transport, url);
    expect(outcome).toMatchObject({ code: 'connect_refused', phase: 'request', timings: { connectMs: null } });
    expect(requests).toBe(2);
  });

  test('leaves the new one what is left of the deadline', async () => {
    const timeoutMs = 600;
    const { outcome, connections } = await race(
      socket => void setTimeout(() => socket.end(), timeoutMs - deadlineMs),
      () => undefined,
      timeoutMs,
    );
    expect(connections).toEqual([1, 1, 2]);
    expect(outcome).toMatchObject({ code: 'timeout_headers', phase: 'request', timings: { connectMs: whole } });
    expect(outcome.durationMs).toBeLessThan(2 * timeoutMs - deadlineMs);
  });
});

describe('the request is not written again', () => {
  test.each<[string, string]>([
    ['a byte', 'H'],
    ['an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('behind %s of an answer', async (_name, bytes) => {
    const { outcome, connections } = await race(socket => socket.end(bytes));
    expect(connections).toEqual([1, 1]);
    expect(outcome).toMatchObject({ code: 'connection_reset', phase: 'request', timings: { firstByteMs: whole } });
  });

  test('where no answer came in time', async () => {
    const { outcome, connections } = await race(
      () => undefined,
      () => undefined,
      deadlineMs,
    );
    expect(connections).toEqual([1, 1]);
    expect(outcome).toMatchObject({ code: 'timeout_headers', phase: 'request' });
  });

  test.each(ends)('where the receiver ended a fresh connection %s', async (_name, end) => {
    const receiver = await fixture.receiving(end);
    expect(await send(fixture.transportOf(), receiver.url)).toMatchObject({
      code: 'connection_reset',
      phase: 'request',
    });
    expect(receiver.requests).toHaveLength(1);
  });
});
