import type { Attempt, ConnectionSource } from './attempt.ts';
import { Connection } from './connection.ts';
import { type Endpoint, type SocketEnvironment, SocketOpening } from './socket-opening.ts';

/**
 * The connections to one origin. Each carries one request at a time; a request that finds none free opens its own, up
 * to the limit, and waits in line above it. Opening belongs to the attempt that asked for it and ends with it, so that
 * a failure to connect is told to the attempt that met it and to no other.
 */
export class OriginPool implements ConnectionSource {
  readonly origin: string;
  readonly endpoint: Endpoint;
  readonly #environment: SocketEnvironment;
  readonly #limit: number;
  readonly #onEmpty: (pool: OriginPool) => void;
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  /** Connections whose exchange has just ended; see `release`. */
  readonly #resting: Connection[] = [];
  readonly #waiting = new Set<Attempt>();
  #opening = 0;
  #attempts = 0;

  constructor(
    origin: string,
    endpoint: Endpoint,
    environment: SocketEnvironment,
    limit: number,
    onEmpty: (pool: OriginPool) => void,
  ) {
    this.origin = origin;
    this.endpoint = endpoint;
    this.#environment = environment;
    this.#limit = limit;
    this.#onEmpty = onEmpty;
  }

  get counts(): { open: number; idle: number; opening: number; queued: number } {
    return {
      open: this.#connections.size,
      idle: this.#idle.length + this.#resting.length,
      opening: this.#opening,
      queued: this.#waiting.size,
    };
  }

  /** Gives the attempt a connection: the one used last, a new one, or the next one that is free. */
  acquire(attempt: Attempt): void {
    this.#attempts += 1;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.socket.destroyed) continue;
      attempt.useConnection(idle);
      return;
    }
    const isFull = this.#connections.size + this.#opening >= this.#limit;
    if (isFull || this.#waiting.size < this.#resting.length) this.#waiting.add(attempt);
    else this.open(attempt);
  }

  /** Opens a connection for the attempt, whatever is idle. */
  open(attempt: Attempt): void {
    this.#opening += 1;
    const opening = new SocketOpening(this.endpoint, this.#environment, result => {
      this.#opening -= 1;
      if (result.kind === 'failed') {
        attempt.openingFailed(result);
        this.#serveNext();
        return;
      }
      const connection = new Connection(this.origin, result.socket, closed => this.#closed(closed));
      this.#connections.add(connection);
      attempt.useConnection(connection);
    });
    attempt.opening = opening;
    opening.start();
  }

  /** The attempt gave up while its connection was being opened. */
  cancelOpening(opening: SocketOpening): void {
    opening.cancel();
    this.#opening -= 1;
    this.#serveNext();
  }

  /** An attempt has its outcome. What it held is given back by the calls below. */
  attemptEnded(): void {
    this.#attempts -= 1;
  }

  /** The attempt gave up while it waited in line. */
  leaveQueue(attempt: Attempt): void {
    this.#waiting.delete(attempt);
    this.#serveNext();
  }

  /**
   * A complete exchange is over and the connection may carry another, once the event loop has turned: a receiver that
   * closes behind its answer has often done so by then, and a request written in the meantime would be lost in a way
   * that cannot be told from one that was handled.
   */
  release(connection: Connection): void {
    connection.current = null;
    if (this.#resting.push(connection) === 1) setImmediate(() => this.#endRest());
  }

  /** The connection must not be used again. */
  discard(connection: Connection): void {
    connection.destroy();
    this.#forget(connection);
    this.#serveNext();
  }

  /** The connection ended before the attempt's request was written: the attempt gets a new one in its place. */
  replace(connection: Connection, attempt: Attempt): void {
    connection.destroy();
    this.#forget(connection);
    this.open(attempt);
  }

  /** Closes every connection. No attempt is under way any more. */
  async close(): Promise<void> {
    const closing = [...this.#connections].map(connection => connection.closed);
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closing);
  }

  #endRest(): void {
    for (const connection of this.#resting.splice(0)) {
      if (connection.socket.destroyed) {
        this.#closed(connection);
        continue;
      }
      const next = this.#takeWaiting();
      if (next === null) this.#idle.push(connection);
      else next.useConnection(connection);
    }
  }

  #closed(connection: Connection): void {
    this.#forget(connection);
    this.#serveNext();
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  /** Room has come free: the first in line opens a connection, or the pool has had its day. */
  #serveNext(): void {
    if (this.#connections.size + this.#opening < this.#limit) {
      const next = this.#takeWaiting();
      if (next !== null) this.open(next);
    }
    if (this.#connections.size + this.#opening + this.#attempts === 0) this.#onEmpty(this);
  }

  #takeWaiting(): Attempt | null {
    const first = this.#waiting.values().next();
    if (first.done === true) return null;
    this.#waiting.delete(first.value);
    return first.value;
  }
}
