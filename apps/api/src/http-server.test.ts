import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { createLogger } from '@signpost/runtime';
import { startHttpServer } from './http-server.ts';

/** What a server without routes writes to a client that sends `request`, and to its log. */
async function send(request: string): Promise<{ answer: string; logged: Record<string, unknown>[] }> {
  const lines: string[] = [];
  const logger = createLogger('api', 'info', { write: line => void lines.push(line) });
  const server = await startHttpServer((_request, response) => response.end(), 0, '127.0.0.1', logger);
  try {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(request);
    return { answer: await text(socket), logged: lines.map(line => JSON.parse(line) as Record<string, unknown>) };
  } finally {
    await server.close();
  }
}

test.each([
  ['a second host', 'GET / HTTP/1.1\r\nhost: a\r\nHOST: b\r\n\r\n', 400, 'Bad Request', 'malformed_request'],
  [
    'a second host in HTTP/1.0',
    'GET / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n',
    400,
    'Bad Request',
    'malformed_request',
  ],
  ['a malformed request', 'nonsense\r\n\r\n', 400, 'Bad Request', 'malformed_request'],
  [
    'headers of 20 kB',
    `GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    'Request Header Fields Too Large',
    'headers_too_large',
  ],
])(
  '%s is answered with a problem whose id is in a header and in the log',
  async (_case, request, status, reason, code) => {
    const { answer, logged } = await send(request);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head.split('\r\n')[0]).toBe(`HTTP/1.1 ${status} ${reason}`);
    const requestId = /^x-request-id: (\S+)$/m.exec(head)?.[1];
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(body)).toMatchObject({ status, code, request_id: requestId });
    expect(logged).toEqual([
      expect.objectContaining({ level: 'info', msg: 'request.answered', request_id: requestId, status, code }),
    ]);
  },
);

test.each([
  ['a head', 'GET / HTTP/1.1\r\nhost: a\r\nx-slow: '],
  ['a body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n'],
  ['a chunk', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nf4240\r\n'],
])('%s that comes drop by drop is cut off with 408 at its deadline', async (_what, start) => {
  const server = await startHttpServer(
    (request, response) => request.resume().once('end', () => response.end()),
    0,
    '127.0.0.1',
    createLogger('api', 'info', { write: () => {} }),
    { headersMs: 200, requestMs: 400, checkMs: 20 },
  );
  const socket = connect(server.port, '127.0.0.1');
  socket.write(start);
  const drip = setInterval(() => socket.writable && socket.write('a'), 20);
  try {
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
  } finally {
    clearInterval(drip);
    await server.close();
  }
});
