import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { forever, send, useTransports } from './test-support/transport-fixture.ts';

const fixture = useTransports();

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use when nothing is left to collect, in bytes: the heap, and the buffers beside it. */
async function usedBytes(): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise(resolve => setImmediate(resolve));
    collectGarbage();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const bomb = gzipSync(Buffer.alloc(64_000_000));
const rounds = 4;
const attemptsInRound = 8;
const head = 'HTTP/1.1 200 OK\r\n';

/** Every attempt is sent far more than 64 KiB: were it kept, a round would show as 8 MB and more. */
test.each<[string, (socket: Socket) => void]>([
  [
    'endless body',
    socket => {
      socket.write(`${head}\r\n`);
      forever(socket, 'x'.repeat(65_536));
    },
  ],
  [
    'endless body in chunks of one byte',
    socket => {
      socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
      forever(socket, '1\r\nx\r\n'.repeat(10_000));
    },
  ],
  [
    'gzip bomb after gzip bomb',
    socket => {
      socket.write(`${head}content-encoding: gzip\r\n\r\n`);
      forever(socket, bomb.toString('latin1'));
    },
  ],
  ['flood of interim responses', socket => forever(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000))],
  ['interim response without an end', socket => forever(socket, 'HTTP/1.1 102 Processing\r\nx: y'.padEnd(65_536, 'z'))],
  [
    'flood of headers',
    socket => {
      socket.write(head);
      forever(socket, 'x: y\r\n'.repeat(1_000));
    },
  ],
  ['reason phrase without an end', socket => forever(socket, 'HTTP/1.1 200 '.padEnd(65_536, 'a'))],
  ['flood of empty lines', socket => forever(socket, '\r\n'.repeat(10_000))],
  [
    'flood of trailers',
    socket => {
      socket.write(`${head}transfer-encoding: chunked\r\n\r\n0\r\n`);
      forever(socket, 'x: y\r\n'.repeat(1_000));
    },
  ],
])(
  'memory is flat under a receiver that sends this: %s',
  async (_name, answer) => {
    const receiver = await fixture.receiving(answer);
    const transport = fixture.transportOf();
    const sendRound = async (): Promise<void> => {
      const outcomes = await Promise.all(Array.from({ length: attemptsInRound }, () => send(transport, receiver.url)));
      for (const outcome of outcomes) {
        if (outcome.kind === 'response') expect(outcome).toMatchObject({ bodyTruncated: true });
        else expect(outcome.code).toMatch(/^(protocol_error|response_too_large|response_headers_too_large)$/);
      }
      await receiver.allClosed();
    };
    // The first rounds fill caches and compile code.
    for (let round = 0; round < 2; round += 1) await sendRound();
    const before = await usedBytes();
    for (let round = 0; round < rounds; round += 1) await sendRound();
    expect((await usedBytes()) - before).toBeLessThan(1_000_000);
    expect(transport.stats()).toMatchObject({ openConnections: 0, queuedAttempts: 0, runningAttempts: 0 });
  },
  60_000,
);
