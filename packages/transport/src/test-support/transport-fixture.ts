import type { Socket } from 'node:net';
import { afterEach, expect } from '@jest/globals';
import type { AttemptOutcome } from '@signpost/delivery';
import { createAddressPolicy } from '../address-policy.ts';
import { createTransport, type OutgoingRequest, type Transport, type TransportOptions } from '../transport.ts';
import { type RawReceiver, type RawRequest, startRawReceiver } from './raw-receiver.ts';

/** The smallest complete response. */
export const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A deadline that a test waits for. */
export const deadlineMs = 150;

export interface TransportFixture {
  receiving(
    answer: (socket: Socket, request: RawRequest) => void,
    onConnection?: (socket: Socket) => void,
  ): Promise<RawReceiver>;
  /** A transport that may reach loopback. */
  transportOf(options?: Partial<TransportOptions>): Transport;
}

/** Receivers and transports that are closed after each test of the file. */
export function useTransports(): TransportFixture {
  const receivers: RawReceiver[] = [];
  const transports: Transport[] = [];
  afterEach(async () => {
    await Promise.all(transports.splice(0).map(transport => transport.close()));
    await Promise.all(receivers.splice(0).map(receiver => receiver.close()));
  });
  return {
    receiving: async (answer, onConnection) => {
      const receiver = await startRawReceiver(answer, onConnection);
      receivers.push(receiver);
      return receiver;
    },
    transportOf: options => {
      const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8', '::1'] });
      const transport = createTransport({ policy, ...options });
      transports.push(transport);
      return transport;
    },
  };
}

/** Sends a small POST, changed as the test needs it. */
export function send(
  transport: Transport,
  url: string,
  changes: Partial<OutgoingRequest> = {},
): Promise<AttemptOutcome> {
  return transport.send({ url, method: 'POST', headers: {}, body: Buffer.from('{}'), timeoutMs: 5_000, ...changes });
}

/** What a hostile receiver does with a request: bytes to write, or more than that. */
export type Answer = string | Buffer | ((socket: Socket) => void);

export interface ExchangeOptions {
  readonly timeoutMs?: number;
  readonly body?: Buffer;
  /** Whether the exchange leaves a connection that may be used again; by default, whether its body was complete. */
  readonly leavesConnection?: boolean;
  /** Plays when the connection comes, before there is a request. */
  readonly onConnection?: (socket: Socket) => void;
}

/**
 * One exchange with a receiver of its own, and then what must hold after each: the attempt has given back its place and
 * ended by its deadline, a socket that is not safe is closed, and the next request to the same receiver is delivered,
 * over a new connection where the first one was not safe. There is room for one connection, so that one that is kept by
 * mistake would show.
 */
export async function exchange(
  fixture: TransportFixture,
  answer: Answer,
  { timeoutMs = 5_000, body = Buffer.from('{}'), leavesConnection, onConnection }: ExchangeOptions = {},
): Promise<{ outcome: AttemptOutcome; receiver: RawReceiver }> {
  const receiver = await fixture.receiving(
    (socket, { body: received }) => {
      if (received === 'again') socket.write(ok);
      else if (typeof answer === 'function') answer(socket);
      else socket.write(answer);
    },
    socket => void (receiver.connections === 1 && onConnection?.(socket)),
  );
  const transport = fixture.transportOf({ connectionsPerOrigin: 1 });
  const outcome = await send(transport, receiver.url, { timeoutMs, body });
  expect(outcome.durationMs).toBeLessThan(timeoutMs + 1_000);
  if (outcome.kind === 'no_response') expect(outcome.message).toMatch(whatHappenedAndWhatToDo);
  const isKept = leavesConnection ?? (outcome.kind === 'response' && !outcome.bodyTruncated);
  if (!isKept) await receiver.allClosed();
  expect(transport.stats()).toMatchObject({ runningAttempts: 0, queuedAttempts: 0, openingConnections: 0 });
  expect(transport.stats().openConnections).toBe(isKept ? 1 : 0);
  expect(await send(transport, receiver.url, { body: Buffer.from('again') })).toMatchObject({
    kind: 'response',
    statusCode: 200,
    body: 'ok',
  });
  expect({ connections: receiver.connections, last: receiver.requests.at(-1)?.connection }).toEqual(
    isKept ? { connections: 1, last: 1 } : { connections: 2, last: 2 },
  );
  return { outcome, receiver };
}

/** Every message of an attempt that failed has a sentence on what happened and one on what to do. */
export const whatHappenedAndWhatToDo = /^[A-Z0-9].*[.)] [A-Z].*\.$/s;

/** Writes the same bytes for as long as the other side takes them. */
export function forever(socket: Socket, bytes: string): void {
  const pump = (): void => {
    let takes = true;
    while (takes && socket.writable) takes = socket.write(bytes);
  };
  socket.on('drain', pump);
  pump();
}

/** Writes the start and then one piece after another, each after some ms, until the other side has enough. */
export function drip(socket: Socket, start: string, piece: string, everyMs = 10): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.once('close', () => clearInterval(timer));
}

/** Lets the event loop turn until the condition holds; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve));
}
