import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { ConnectionGone } from './failure.ts';
import { InterimResponses } from './interim-responses.ts';

/** Idle connections are closed after this time, or earlier where the receiver says so (`keep-alive: timeout=5`), in ms. */
const idleTimeoutMs = 4_000;
const longestIdleTimeoutMs = 60_000;
const maxHeaderBytes = 16 * 1024;

/** What undici writes. */
export interface DispatchOptions {
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: string[];
  readonly body: Buffer;
}

/** A request, and what wants to hear of its response: one attempt. */
export interface Exchange extends Dispatcher.DispatchHandler {
  readonly dispatchOptions: DispatchOptions;
  onResponseError(controller: Dispatcher.DispatchController | null, error: Error): void;
}

/**
 * One socket and the undici client that speaks HTTP/1.1 over it. They live and end together: a client that would
 * reconnect is told that the connection is gone, so that every connection is opened, checked and counted in one place.
 */
export class Connection {
  readonly socket: Socket;
  readonly interim: InterimResponses;
  /** Requests written so far; above one, the socket was idle in between. */
  requestsWritten = 0;
  /** True where the receiver closed its side. */
  peerEnded = false;
  current: Exchange | null = null;
  readonly #client: Client;

  /**
   * @param socket connected, and through its TLS handshake where there is one
   * @param onClosed called once, when the socket is closed
   */
  constructor(origin: string, socket: Socket, onClosed: (connection: Connection) => void) {
    this.socket = socket;
    this.interim = new InterimResponses(socket);
    let handedOver = false;
    this.#client = new Client(origin, {
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: maxHeaderBytes,
      // The attempt's own deadline covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleTimeoutMs,
      keepAliveMaxTimeout: longestIdleTimeoutMs,
      connect: (_options, callback) => {
        const gone = handedOver;
        handedOver = true;
        // Later, because undici does not go on with its queue after a callback within the call.
        queueMicrotask(() => (gone ? callback(new ConnectionGone('connection gone'), null) : callback(null, socket)));
      },
    });
    // Emitted where a handler threw; without a listener it would end the process.
    (this.#client as EventEmitter).on('error', (error: Error) => this.current?.onResponseError(null, error));
    socket.once('end', () => {
      this.peerEnded = true;
    });
    socket.once('close', () => onClosed(this));
  }

  /** Writes the exchange's request and feeds the exchange with what comes back. */
  dispatch(exchange: Exchange): void {
    this.current = exchange;
    this.#client.dispatch(exchange.dispatchOptions, exchange);
  }

  /** Settles when the socket is closed. */
  get closed(): Promise<void> {
    return new Promise(resolve => {
      if (this.socket.closed) resolve();
      else this.socket.once('close', () => resolve());
    });
  }

  /** Ends the socket at once; it is never used again. */
  destroy(): void {
    this.current = null;
    this.socket.destroy();
  }
}
