import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import { type Installation, startInstallation } from '../support/installation.ts';
import { residentBytes } from '../support/process-memory.ts';
import { openRawSocket, type RawSocket, statusesOf } from '../support/raw-socket.ts';

let signpost: Installation;
beforeAll(async () => {
  signpost = await startInstallation({ dispatchers: 0 });
}, 60_000);
afterAll(() => signpost.close());

const megabyte = 1024 * 1024;
const open = (): RawSocket => openRawSocket(signpost.api.port);
const expectAlive = async (): Promise<void> => expect((await signpost.call('GET', '/health/live')).status).toBe(200);

/** The head of a publish, to be continued. */
const publishHead = (...headers: string[]): string =>
  [
    'POST /v1/events HTTP/1.1',
    'host: a',
    `authorization: Bearer ${signpost.key}`,
    'content-type: application/json',
    ...headers,
    '',
    '',
  ].join('\r\n');

/** What is sent, all at once; and what came back until the API closed the connection. */
async function send(bytes: string): Promise<string> {
  const { socket, closed } = open();
  socket.write(bytes, 'latin1');
  return closed;
}

/** Runs `attack`, and says by how much the API's memory grew at most meanwhile, in bytes. */
async function memoryGrowth(attack: () => Promise<unknown>): Promise<number> {
  const before = residentBytes(signpost.api.pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentBytes(signpost.api.pid));
  }, 20);
  try {
    await attack();
  } finally {
    clearInterval(watch);
  }
  return Math.max(most, residentBytes(signpost.api.pid)) - before;
}

/** Writes as long as the other side takes it. */
function writeForEver(socket: RawSocket['socket'], bytes: string): void {
  const write = (): void => {
    while (socket.writable && socket.write(bytes));
  };
  socket.on('drain', write);
  write();
}

describe('the head of a request', () => {
  test('that comes a byte a second is cut off with 408 within the deadline; others are served meanwhile', async () => {
    const slow = Array.from({ length: 20 }, () => open());
    for (const { socket } of slow) socket.write('GET /health/live HTTP/1.1\r\nhost: a\r\nx-slow: ');
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write('a')), 1000);
    try {
      await expectAlive();
      for (const answer of await Promise.all(slow.map(({ closed }) => closed)))
        expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
    } finally {
      clearInterval(drip);
    }
  }, 30_000);

  test('with 100,000 headers is 431', async () => {
    const headers = Array.from({ length: 100_000 }, (_, n) => `x-${n}: v`);
    expect(await send(publishHead(...headers))).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/);
    await expectAlive();
  });

  test('with 2,500 headers is read to its end: no header is left out without a word', async () => {
    const body = '{"event_type":"a","data":1}';
    const filler = Array.from({ length: 2500 }, () => 'a:');
    const { socket, received } = open();
    const last = ['idempotency-key: behind-the-others', `content-length: ${body.length}`];
    socket.write(publishHead(...filler, ...last) + body);
    await waitFor(() => statusesOf(received())[0] === 202, { description: 'the publish is answered' });
    socket.destroy();
    const again = await signpost.call('POST', '/v1/events', body, { 'idempotency-key': 'behind-the-others' });
    expect(again.body.duplicate).toBe(true);
  });

  test.each([
    ['two lengths', 'content-length: 2\r\ncontent-length: 3'],
    ['a length and chunks', 'content-length: 2\r\ntransfer-encoding: chunked'],
    ['a length that is none', 'content-length: 2x'],
    ['a negative length', 'content-length: -1'],
    ['chunks that are not the last encoding', 'transfer-encoding: chunked, identity'],
    ['a space before the colon', 'content-length : 2'],
    ['a header without a name', ': 2'],
    ['a bare line feed', 'x-a: b\ncontent-length: 2'],
  ])('that can be read in two ways is 400, and nothing after it is read: %s', async (_what, header) => {
    const answer = await send(`${publishHead(header)}{}GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n`);
    expect(statusesOf(answer)).toEqual([400]);
  });

  test.each([
    ['HTTP/0.9', 'GET /health/live\r\n\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
    ['a tunnel', 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a method that is none', 'BREW /v1/events HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a path that is none', 'GET  HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['no host', 'GET /v1/events HTTP/1.1\r\nconnection: close\r\n\r\n'],
    [
      'another protocol',
      'GET /v1/events HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n',
    ],
    ['a full URL', 'GET http://elsewhere/v1/events HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'],
    ['a star', 'OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'],
    ['a path of two slashes', 'GET //v1/events HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'],
  ])('that is %s is refused, and the connection closed', async (_what, bytes) => {
    const statuses = statusesOf(await send(bytes));
    expect(statuses.length).toBeLessThanOrEqual(1);
    for (const status of statuses) expect([400, 401, 404, 405]).toContain(status);
    await expectAlive();
  });
});

describe('pipelining', () => {
  test('200 requests in one write are answered in their order', async () => {
    const ids = Array.from({ length: 200 }, (_, n) => `pipelined-${n}`);
    const requests = ids.map(id => `GET /v1/webhooks/none HTTP/1.1\r\nhost: a\r\nx-request-id: ${id}\r\n\r\n`);
    const { socket, received } = open();
    socket.write(requests.join(''));
    await waitFor(() => statusesOf(received()).length === ids.length, { description: 'all are answered' });
    expect([...received().matchAll(/^x-request-id: (\S+)\r$/gim)].map(match => match[1])).toEqual(ids);
    socket.destroy();
  });

  test.each([
    ['no HTTP', 'NONSENSE\r\n\r\n', 400],
    ['without a host', 'GET /health/live HTTP/1.1\r\n\r\n', 400],
    [
      'broken within its body',
      `${'POST /v1/events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked'}\r\n\r\nzz\r\n`,
      400,
    ],
  ])('a good publish before what is %s gets its own answer first', async (_what, next, status) => {
    const body = '{"event_type":"a","data":1}';
    const answer = await send(publishHead(`content-length: ${body.length}`) + body + next);
    expect([statusesOf(answer)[0], statusesOf(answer).at(-1)]).toEqual([202, status]);
  });

  test('20,000 requests whose answers nobody reads do not fill the memory', async () => {
    const growth = await memoryGrowth(async () => {
      const { socket } = open();
      socket.pause();
      // 40 KB each: 800 MB if they were all made.
      socket.write('GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(20_000));
      for (let n = 0; n < 50; n += 1) await expectAlive();
      socket.destroy();
    });
    expect(growth).toBeLessThan(150 * megabyte);
  });
});

describe('bodies without an end', () => {
  test('of 30 senders at once are cut, in bounded memory', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${'a'.repeat(64 * 1024)}\r\n`;
    const growth = await memoryGrowth(async () => {
      const sockets = Array.from({ length: 30 }, () => open());
      for (const { socket } of sockets) {
        socket.write(publishHead('transfer-encoding: chunked'));
        writeForEver(socket, chunk);
      }
      // Who goes on writing may miss the answer: the connection is reset under it.
      for (const { closed } of sockets) expect(['', '413']).toContain(statusesOf(await closed).join());
    });
    expect(growth).toBeLessThan(150 * megabyte);
    await expectAlive();
  }, 30_000);

  test('a declared length of 10 GB is refused before it comes', async () => {
    const { socket, closed } = open();
    socket.write(publishHead('content-length: 10737418240'));
    expect(statusesOf(await closed)).toEqual([413]);
  });

  test('a chunk size of 2^64 is 400', async () => {
    const answer = await send(`${publishHead('transfer-encoding: chunked')}ffffffffffffffffff\r\n`);
    expect(statusesOf(answer)).toEqual([400]);
  });

  test('a compressed body is 415, not unpacked', async () => {
    const growth = await memoryGrowth(async () => {
      const { gzipSync } = await import('node:zlib');
      const bomb = gzipSync(Buffer.alloc(200 * megabyte, '{'), { level: 9 });
      for (const encoding of ['gzip', 'x-gzip', 'identity, gzip', 'deflate', 'br', 'zstd']) {
        const { socket, received } = open();
        socket.write(publishHead(`content-encoding: ${encoding}`, `content-length: ${bomb.length}`));
        socket.write(bomb);
        await waitFor(() => statusesOf(received()).length === 1, { description: 'the bomb is answered' });
        expect(statusesOf(received())).toEqual([415]);
        socket.destroy();
      }
    });
    expect(growth).toBeLessThan(50 * megabyte);
  });

  test('a sender that goes away in the middle leaves nothing behind', async () => {
    for (let n = 0; n < 50; n += 1) {
      const { socket, closed } = open();
      socket.write(`${publishHead('content-length: 1000')}{"event_type":"never.whole","data":`, () => socket.destroy());
      await closed;
    }
    await expectAlive();
    expect(await signpost.query(`select 1 from events where event_type = 'never.whole'`)).toEqual([]);
  });
});
