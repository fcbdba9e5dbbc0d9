import { connect, type Socket } from 'node:net';

/** A connection on which bytes are written as they are. */
export interface RawSocket {
  readonly socket: Socket;
  /** All that came back. */
  readonly received: () => string;
  /** Resolves with all that came back when the other side has closed. */
  readonly closed: Promise<string>;
}

export function openRawSocket(port: number): RawSocket {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', chunk => chunks.push(chunk));
  socket.on('error', () => {}); // A reset ends the connection like any other end.
  const received = (): string => Buffer.concat(chunks).toString();
  const closed = new Promise<string>(resolve => socket.once('close', () => resolve(received())));
  return { socket, received, closed };
}

/** The status of each answer in what came back, in order. Only for answers whose bodies hold no such words. */
export function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1]));
}
