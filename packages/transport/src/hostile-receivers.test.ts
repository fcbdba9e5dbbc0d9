import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { AttemptErrorCode } from '@signpost/delivery';
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

describe('a hostile receiver', () => {
  test.each<[string, AttemptErrorCode, Answer]>([
    ['hangs', 'timeout_headers', () => undefined],
    ['stops within the status line', 'timeout_headers', socket => socket.write('HTTP/1.1 2')],
    ['drips its headers', 'timeout_headers', socket => drip(socket, 'HTTP/1.1 200 OK\r\nx: ', 'y')],
    ['drips interim responses', 'timeout_headers', socket => drip(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n', 20)],
    ['stops within the headers', 'timeout_headers', socket => socket.write('HTTP/1.1 200 OK\r\nx: 1\r\n')],
    [
      'sends one interim response and stops',
      'timeout_headers',
      socket => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
    ],
  ])('a receiver that %s ends at the deadline with %s', async (_name, code, answer) => {
    const { outcome } = await exchange(fixture, answer, { timeoutMs: deadlineMs });
    expect(outcome).toMatchObject({
      kind: 'no_response',
      code,
      phase: 'request',
    });
    expect(outcome.durationMs).toBeGreaterThanOrEqual(deadlineMs - 2);
  });

  test.each<[string, AttemptErrorCode, Answer]>([
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
    [
      'reason phrase without an end',
      'response_too_large',
      socket => forever(socket, 'HTTP/1.1 200 '.padEnd(1024, 'a')),
    ],
    ['run of empty lines', 'response_too_large', socket => forever(socket, '\r\n'.repeat(512))],
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
    [
      'content length that no number holds',
      'protocol_error',
      'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nab',
    ],
    ['list of content lengths', 'protocol_error', 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nab'],
    ['negative content length', 'protocol_error', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nab'],
    ['folded header', 'protocol_error', 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n'],
    ['bare carriage return', 'protocol_error', 'HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n'],
    ['header without a name', 'protocol_error', 'HTTP/1.1 200 OK\r\n: a\r\ncontent-length: 0\r\n\r\n'],
    ['header without a colon', 'protocol_error', 'HTTP/1.1 200 OK\r\nx\r\ncontent-length: 0\r\n\r\n'],
    ['HTTP/1.2', 'protocol_error', 'HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['ICY', 'protocol_error', 'ICY 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['status 099', 'protocol_error', 'HTTP/1.1 099 None\r\ncontent-length: 0\r\n\r\n'],
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
    const { outcome } = await exchange(fixture, answer);
    expect(outcome).toMatchObject({
      kind: 'no_response',
      code,
      phase: 'request',
    });
    expect(outcome.durationMs).toBeLessThan(4_000);
  });
});

describe('a receiver that does not wait for the request', () => {
  const large = Buffer.alloc(16_000_000);
  const tooLarge = 'HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n';

  test.each<[string, number, (socket: Socket) => void]>([
    ['answers 413 and reads no more', 413, socket => socket.pause().write(tooLarge)],
    ['answers 413 and closes', 413, socket => socket.end(tooLarge)],
    ['answers 200 and reads no more', 200, socket => socket.pause().write(ok)],
    ['answers 413 and goes on reading', 413, socket => socket.write(tooLarge)],
  ])('but %s: its answer counts, and the socket is not used again', async (_name, statusCode, early) => {
    const { outcome } = await exchange(fixture, () => undefined, {
      body: large,
      leavesConnection: false,
      onConnection: socket => {
        socket.once('data', () => early(socket));
        // A socket that is not read sees no end: it looks for it by writing.
        const poke = setInterval(() => socket.isPaused() && socket.write('\r\n'), 20);
        socket.once('close', () => clearInterval(poke));
      },
    });
    expect(outcome).toMatchObject({ kind: 'response', statusCode, phase: 'response' });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['closes the connection as it comes', socket => socket.end()],
    ['resets the connection as it comes', socket => socket.resetAndDestroy()],
    ['resets the connection within a large body', socket => socket.once('data', () => socket.resetAndDestroy())],
  ])('but %s is connection_reset, whichever phase sees it', async (_name, onConnection) => {
    const { outcome } = await exchange(fixture, () => undefined, { body: large, onConnection });
    expect(outcome).toMatchObject({ kind: 'no_response', code: 'connection_reset' });
    expect(['connect', 'request']).toContain(outcome.phase);
  });
});
