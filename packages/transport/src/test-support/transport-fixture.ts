import type { Socket } from 'node:net';
import { afterEach } from '@jest/globals';
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

/** One exchange with a receiver of its own; fails where the transport still counts the attempt, or keeps a socket. */
export async function exchange(
  fixture: TransportFixture,
  answer: Answer,
  timeoutMs = 5_000,
): Promise<{ outcome: AttemptOutcome; receiver: RawReceiver }> {
  const receiver = await fixture.receiving(socket =>
    typeof answer === 'function' ? answer(socket) : socket.write(answer),
  );
  const transport = fixture.transportOf();
  const outcome = await send(transport, receiver.url, { timeoutMs });
  if (transport.stats().runningAttempts !== 0) throw new Error('the attempt is over and still counted');
  const isComplete = outcome.kind === 'response' && !outcome.bodyTruncated;
  if (!isComplete) await receiver.allClosed();
  return { outcome, receiver };
}

/** Writes the same bytes for as long as the other side takes them. */
export function forever(socket: Socket, bytes: string): void {
  const pump = (): void => {
    let takes = true;
    while (takes && socket.writable) takes = socket.write(bytes);
  };
  socket.on('drain', pump);
  pump();
}

/** Lets the event loop turn until the condition holds; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve));
}
