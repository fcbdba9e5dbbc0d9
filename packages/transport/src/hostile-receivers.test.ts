import { gzipSync } from 'node:zlib';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AttemptOutcome } from '@signpost/delivery';
import { createAddressPolicy } from './address-policy.ts';
import { type RawReceiver, type RawRequest, startRawReceiver } from './test-support/raw-receiver.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';

const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8'] });
const body = Buffer.from('{"type":"call.ended"}');
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

function send(transport: Transport, receiver: RawReceiver, timeoutMs = 5_000): Promise<AttemptOutcome> {
  return transport.send({
    url: receiver.url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    timeoutMs,
  });
}

/** One exchange with a receiver of its own; afterwards nothing may be held. */
async function exchange(
  answer: string | Buffer | ((socket: Socket) => void),
  timeoutMs?: number,
): Promise<AttemptOutcome> {
  const receiver = await receiving(socket => (typeof answer === 'function' ? answer(socket) : socket.write(answer)));
  const transport = transportOf();
  const outcome = await send(transport, receiver, timeoutMs);
  expect(transport.stats().runningAttempts).toBe(0);
  return outcome;
}

/** Writes the same bytes for as long as the other side takes them. */
function forever(socket: Socket, bytes: string | Buffer): void {
  const chunk = Buffer.from(bytes);
  const pump = (): void => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on('drain', pump);
  pump();
}

const deadlineMs = 150;

describe('no response', () => {
  test.each<[string, string, (socket: Socket) => void]>([
    ['hangs', 'timeout_headers', () => undefined],
    ['stops within the status line', 'timeout_headers', socket => socket.write('HTTP/1.1 2')],
    ['stops within the headers', 'timeout_headers', socket => socket.write('HTTP/1.1 200 OK\r\nx: 1\r\n')],
    [
      'sends one interim response and stops',
      'timeout_headers',
      socket => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
    ],
  ])('a receiver that %s ends at the deadline with %s', async (_name, code, answer) => {
    const outcome = await exchange(answer, deadlineMs);
    expect(outcome).toMatchObject({
      kind: 'no_response',
      code,
      requestSent: true,
      message: expect.stringMatching(/\.$/),
    });
    expect(outcome.durationMs).toBeGreaterThanOrEqual(deadlineMs - 2);
    expect(outcome.durationMs).toBeLessThan(deadlineMs + 1_000);
  });

  test.each<[string, string, string | Buffer | ((socket: Socket) => void)]>([
    [
      '101 that nobody asked for',
      'protocol_error',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n',
    ],
    ['100 and then 101', 'protocol_error', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['flood of 103', 'protocol_error', socket => forever(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')],
    ['flood of 100', 'protocol_error', socket => forever(socket, 'HTTP/1.1 100 Continue\r\n\r\n')],
    [
      'interim response with bare line feeds',
      'protocol_error',
      'HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    ],
    [
      'interim response without an end',
      'protocol_error',
      socket => forever(socket, 'HTTP/1.1 102 Processing\r\nx: y\r\n'.padEnd(512, 'z')),
    ],
    [
      'interim response behind stray line ends',
      'protocol_error',
      '\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    ],
    ['reason phrase without an end', 'protocol_error', socket => forever(socket, 'HTTP/1.1 200 '.padEnd(1024, 'a'))],
    ['run of empty lines', 'protocol_error', socket => forever(socket, '\r\n'.repeat(512))],
    ['HTTP/0.9', 'protocol_error', socket => socket.end('<html>hello</html>')],
    ['HTTP/2 preface', 'protocol_error', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/2 settings frame', 'protocol_error', Buffer.from('00000c040000000000000300000064000400100000', 'hex')],
    ['bare line feeds', 'protocol_error', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
    ['NUL in a header', 'protocol_error', 'HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n'],
    ['space before the colon', 'protocol_error', 'HTTP/1.1 200 OK\r\nx : a\r\ncontent-length: 0\r\n\r\n'],
    ['two content lengths', 'protocol_error', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc'],
    [
      'content length and chunked',
      'protocol_error',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['content length that is no number', 'protocol_error', 'HTTP/1.1 200 OK\r\ncontent-length: 2a\r\n\r\nab'],
    ['status 000', 'protocol_error', 'HTTP/1.1 000 None\r\ncontent-length: 0\r\n\r\n'],
    ['status 20', 'protocol_error', 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n'],
    ['status 1000', 'protocol_error', 'HTTP/1.1 1000 OK\r\ncontent-length: 0\r\n\r\n'],
    ['TLS alert', 'protocol_error', Buffer.from('15030100020228', 'hex')],
    ['header of 64 KB', 'response_headers_too_large', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(65_536)}\r\n\r\n`],
    ['10,000 headers', 'response_headers_too_large', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}\r\n`],
    [
      'flood of headers',
      'response_headers_too_large',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\n');
        forever(socket, 'x: y\r\n'.repeat(100));
      },
    ],
    ['close without a byte', 'connection_reset', socket => socket.end()],
    ['close within the head', 'connection_reset', socket => socket.end('HTTP/1.1 200 OK\r\ncontent-')],
    ['close within the version', 'connection_reset', socket => socket.end('HTTP/1')],
    ['reset', 'connection_reset', socket => socket.resetAndDestroy()],
    [
      'reset within the head',
      'connection_reset',
      socket => socket.write('HTTP/1.1 200 OK\r\n', () => socket.resetAndDestroy()),
    ],
  ])('%s is %s at once, and may have been handled', async (_name, code, answer) => {
    const outcome = await exchange(answer);
    expect(outcome).toMatchObject({
      kind: 'no_response',
      code,
      requestSent: true,
      message: expect.stringMatching(/\.$/),
    });
    expect(outcome.durationMs).toBeLessThan(4_000);
  });
});

describe('a response', () => {
  test.each<[string, number, string]>([
    ['100 and then 200', 200, `HTTP/1.1 100 Continue\r\n\r\n${ok}`],
    [
      '100, 102, 103 and then 200',
      200,
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok}`,
    ],
    ['16 interim responses and then 200', 200, `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(16)}${ok}`],
    ['status 600', 600, ok.replace('200', '600')],
    ['status 999', 999, ok.replace('200', '999')],
    ['status 299', 299, ok.replace('200', '299')],
    ['HTTP/1.0', 200, ok.replace('1.1', '1.0')],
    ['no reason phrase', 200, ok.replace('200 OK', '200')],
  ])('%s is %i', async (_name, statusCode, answer) => {
    expect(await exchange(answer)).toMatchObject({ kind: 'response', statusCode, body: 'ok', bodyTruncated: false });
  });

  test('100 then 200 is 200 when it comes byte by byte', async () => {
    const bytes = `HTTP/1.1 100 Continue\r\nx: y\r\n\r\n${ok}`;
    const outcome = await exchange(socket => {
      let sent = 0;
      const next = (): void => {
        if (sent < bytes.length) socket.write(bytes[sent++] ?? '', () => setImmediate(next));
      };
      next();
    });
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200, body: 'ok' });
  });

  test.each<[string, string | ((socket: Socket) => void), string, number | undefined]>([
    ['body that never comes', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', '', deadlineMs],
    ['body that stops', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab', 'ab', deadlineMs],
    ['body that is cut', socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab'), 'ab', undefined],
    [
      'chunked body that is cut',
      socket => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n5\r\nc'),
      'abc',
      undefined,
    ],
    [
      'chunk size that is no number',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n',
      'ab',
      undefined,
    ],
    [
      'body that is reset',
      socket =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab', () =>
          setImmediate(() => socket.resetAndDestroy()),
        ),
      'ab',
      undefined,
    ],
    [
      'chunk extension without an end',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3;x=');
        forever(socket, 'y'.repeat(1_000));
      },
      'ab',
      undefined,
    ],
    [
      'flood of trailers',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n');
        forever(socket, 'x: y\r\n'.repeat(100));
      },
      'ab',
      undefined,
    ],
  ])('after a complete 200 head, a %s is 200 with a truncated body', async (_name, answer, expectedBody, timeoutMs) => {
    const outcome = await exchange(answer, timeoutMs);
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200, body: expectedBody, bodyTruncated: true });
    await receivers[0]?.allClosed();
  });

  test('a body that drips is 200 at the deadline, with what came', async () => {
    const outcome = await exchange(socket => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n');
      const drip = setInterval(() => socket.write('x'), 10);
      socket.once('close', () => clearInterval(drip));
    }, deadlineMs);
    expect(outcome).toMatchObject({
      kind: 'response',
      statusCode: 200,
      body: expect.stringMatching(/^x+$/),
      bodyTruncated: true,
    });
    expect(outcome.durationMs).toBeLessThan(deadlineMs + 1_000);
  });

  test.each<[string, (socket: Socket) => void]>([
    [
      'endless body',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        forever(socket, 'x'.repeat(16_384));
      },
    ],
    [
      'body of 10 MB',
      socket => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n${'x'.repeat(10_000_000)}`),
    ],
    [
      'endless body in chunks of one byte',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        forever(socket, '1\r\nx\r\n'.repeat(1_000));
      },
    ],
  ])('of an %s 64 KiB are kept and the connection is closed before the deadline', async (_name, answer) => {
    const outcome = await exchange(answer);
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200, body: 'x'.repeat(65_536), bodyTruncated: true });
    expect(outcome.durationMs).toBeLessThan(4_000);
    await receivers[0]?.allClosed();
  });

  test('a body of exactly the limit is complete', async () => {
    const text = 'x'.repeat(65_536);
    const outcome = await exchange(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    expect(outcome).toMatchObject({ kind: 'response', body: text, bodyTruncated: false });
  });

  test.each(['gzip', 'br', 'zstd', 'deflate'])('a %s body is not decoded', async encoding => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const outcome = await exchange(
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bomb.length}\r\n\r\n`),
        bomb,
      ]),
    );
    if (outcome.kind !== 'response') throw new Error(outcome.message);
    expect(outcome.body.length).toBeLessThanOrEqual(bomb.length);
    expect(receivers[0]?.requests[0]?.head).toMatch(/^accept-encoding: identity$/m);
  });

  test('a body that is not UTF-8, or holds NUL, becomes text that Postgres stores', async () => {
    const bytes = Buffer.from([0x61, 0xff, 0x00, 0xc3, 0xa9, 0xed, 0xa0, 0x80, 0x62]);
    const outcome = await exchange(
      Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`), bytes]),
    );
    if (outcome.kind !== 'response') throw new Error(outcome.message);
    expect(outcome.body).toMatch(/^a\ufffd\ufffdé\ufffd+b$/);
    expect(outcome.body.isWellFormed()).toBe(true);
  });

  test('a header that comes several times is joined, and none reaches a prototype', async () => {
    const outcome = await exchange(
      'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\n__proto__: evil\r\nconstructor: c\r\ncontent-length: 0\r\n\r\n',
    );
    if (outcome.kind !== 'response') throw new Error(outcome.message);
    expect(outcome.headers['x-a']).toBe('1, 2');
    expect(Object.getPrototypeOf(outcome.headers)).toBe(Object.prototype);
    expect(Object.keys(outcome.headers).sort()).toEqual(['constructor', 'content-length', 'x-a']);
  });

  test('an answer before the request was read is taken, and a close after it too', async () => {
    const receiver = await startRawReceiver(
      () => undefined,
      socket => {
        socket.once('data', () =>
          socket.end('HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'),
        );
      },
    );
    receivers.push(receiver);
    const outcome = await transportOf().send({
      url: receiver.url,
      method: 'POST',
      headers: {},
      body: Buffer.alloc(8_000_000),
      timeoutMs: 5_000,
    });
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 413 });
    await receiver.allClosed();
  });
});

describe('a socket after an unsafe exchange', () => {
  test.each<[string, string]>([
    ['204 with a body', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello'],
    ['bytes after the body', `${ok}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged`],
    ['garbage after the body', `${ok}xxxx`],
    ['connection: close', ok.replace('content-length', 'connection: close\r\ncontent-length')],
    ['an end that only closing shows', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    ['a keep-alive time that is over', ok.replace('content-length', 'keep-alive: timeout=1\r\ncontent-length')],
    ['a truncated body', `HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n${'x'.repeat(70_000)}`],
  ])('%s: the next request goes over a new connection and gets its own answer', async (_name, answer) => {
    const receiver = await receiving((socket, request) =>
      socket.write(request.connection === 1 ? answer : ok.replace('ok', 'no')),
    );
    const transport = transportOf({ connectionsPerOrigin: 1 });
    expect(await send(transport, receiver)).toMatchObject({ kind: 'response', statusCode: expect.any(Number) });
    expect(await send(transport, receiver)).toMatchObject({ kind: 'response', statusCode: 200, body: 'no' });
    expect(receiver.requests.map(request => request.connection)).toEqual([1, 2]);
  });

  test('after a complete exchange it is used again', async () => {
    const receiver = await receiving(socket => socket.write(ok));
    const transport = transportOf();
    for (let sent = 0; sent < 5; sent += 1) expect(await send(transport, receiver)).toMatchObject({ statusCode: 200 });
    expect(receiver.connections).toBe(1);
  });
});
