import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import {
  type Answer,
  deadlineMs,
  drip,
  exchange,
  forever,
  ok,
  useTransports,
} from './test-support/transport-fixture.ts';

const fixture = useTransports();

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
    [
      'HTTP/1.0 that keeps its connection',
      200,
      ok.replace('1.1', '1.0').replace('content', 'connection: keep-alive\r\ncontent'),
    ],
    ['no reason phrase', 200, ok.replace('200 OK', '200')],
  ])('%s is %i', async (_name, statusCode, answer) => {
    expect((await exchange(fixture, answer)).outcome).toMatchObject({
      kind: 'response',
      statusCode,
      body: 'ok',
      bodyTruncated: false,
    });
  });

  test('100 then 200 is 200 when it comes byte by byte', async () => {
    const bytes = `HTTP/1.1 100 Continue\r\nx: y\r\n\r\n${ok}`;
    const { outcome } = await exchange(fixture, socket => {
      let sent = 0;
      const next = (): void => {
        if (sent < bytes.length) socket.write(bytes[sent++] ?? '', () => setImmediate(next));
      };
      next();
    });
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200, body: 'ok' });
  });

  test.each<[string, Answer, string, number | undefined]>([
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
      'chunk size that no number holds',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nab\r\n',
      '',
      undefined,
    ],
    [
      'bare line feed among its chunks',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\nab\n0\n\n',
      '',
      undefined,
    ],
    ['transfer coding that nobody knows', 'HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\nab', 'ab', deadlineMs],
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
    const { outcome } = await exchange(fixture, answer, { timeoutMs });
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200, body: expectedBody, bodyTruncated: true });
  });

  test('a body that drips is 200 at the deadline, with what came', async () => {
    const { outcome } = await exchange(
      fixture,
      socket => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n', 'x'),
      { timeoutMs: deadlineMs },
    );
    expect(outcome).toMatchObject({
      kind: 'response',
      statusCode: 200,
      body: expect.stringMatching(/^x+$/),
      bodyTruncated: true,
    });
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
    const { outcome } = await exchange(fixture, answer);
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200, body: 'x'.repeat(65_536), bodyTruncated: true });
    expect(outcome.durationMs).toBeLessThan(4_000);
  });

  test('a body of exactly the limit is complete', async () => {
    const text = 'x'.repeat(65_536);
    const { outcome } = await exchange(fixture, `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    expect(outcome).toMatchObject({ kind: 'response', body: text, bodyTruncated: false });
  });

  test.each(['gzip', 'br', 'zstd', 'deflate'])('a %s body is not decoded', async encoding => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const { outcome, receiver } = await exchange(
      fixture,
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bomb.length}\r\n\r\n`),
        bomb,
      ]),
    );
    if (outcome.kind !== 'response') throw new Error(outcome.message);
    expect(outcome.body.length).toBeLessThanOrEqual(bomb.length);
    expect(receiver.requests[0]?.head).toMatch(/^accept-encoding: identity$/m);
  });

  test('a body that is not UTF-8, or holds NUL, becomes text that Postgres stores', async () => {
    const bytes = Buffer.from([0x61, 0xff, 0x00, 0xc3, 0xa9, 0xed, 0xa0, 0x80, 0x62]);
    const { outcome } = await exchange(
      fixture,
      Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`), bytes]),
    );
    if (outcome.kind !== 'response') throw new Error(outcome.message);
    expect(outcome.body).toMatch(/^a\ufffd\ufffdé\ufffd+b$/);
    expect(outcome.body.isWellFormed()).toBe(true);
  });

  test('a header that comes several times is joined, and none reaches a prototype', async () => {
    const { outcome } = await exchange(
      fixture,
      'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\n__proto__: evil\r\nconstructor: c\r\ncontent-length: 0\r\n\r\n',
    );
    if (outcome.kind !== 'response') throw new Error(outcome.message);
    expect(outcome.headers['x-a']).toBe('1, 2');
    expect(Object.getPrototypeOf(outcome.headers)).toBe(Object.prototype);
    expect(Object.keys(outcome.headers).sort()).toEqual(['constructor', 'content-length', 'x-a']);
  });
});
