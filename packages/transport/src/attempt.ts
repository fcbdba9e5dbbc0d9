import type { AttemptOutcome, AttemptPhase, AttemptTimings } from '@signpost/delivery';
import type { Dispatcher } from 'undici';
import type { Connection, DispatchOptions, Exchange } from './connection.ts';
import { deadlineFailure, errorCode, exchangeFailure, failed, type Failure, isConnectionEnd } from './failure.ts';
import { ResponseBody } from './response-body.ts';
import type { SocketOpening } from './socket-opening.ts';

/** Where an attempt has its connection from, and gives it back. */
export interface ConnectionSource {
  /** The connection may serve another request. */
  release(connection: Connection): void;
  /** The connection is not safe to use again. */
  discard(connection: Connection): void;
  /** The connection is gone; the attempt wants another. */
  replace(connection: Connection, attempt: Attempt): void;
  cancelOpening(opening: SocketOpening): void;
  leaveQueue(attempt: Attempt): void;
  attemptEnded(): void;
}

/** Thrown at undici when it is about to write a request whose attempt is over. */
class AttemptOver extends Error {
  readonly code = 'SIGNPOST_ATTEMPT_OVER';
}

/**
 * One request on its way, and undici's handler for it. It ends exactly once: with a response as soon as a complete head
 * came (whatever becomes of the body), or with the reason why none came. What happens after that is ignored, but no
 * connection with a half-read exchange survives it.
 */
export class Attempt implements Exchange {
  readonly dispatchOptions: DispatchOptions;
  opening: SocketOpening | null = null;
  /** The opening that the attempt went through; null on a connection that was open. */
  #opened: SocketOpening | null = null;
  #connection: Connection | null = null;
  #settled = false;
  /** When the request began to be written to the connection at hand; 0 until then. */
  #writtenAt = 0;
  /** The request goes out over a second connection: there is no third. */
  #startedOver = false;
  /** The first connection ended behind a part of the request, so that the receiver may have it. */
  #maybeArrived = false;
  #statusCode = 0;
  #headers: Record<string, string> = {};
  readonly #body: ResponseBody;
  readonly #pool: ConnectionSource;
  readonly #timeoutMs: number;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #resolve: (outcome: AttemptOutcome) => void;

  constructor(
    pool: ConnectionSource,
    options: DispatchOptions,
    limits: { readonly timeoutMs: number; readonly maxResponseBytes: number },
    resolve: (outcome: AttemptOutcome) => void,
  ) {
    this.#pool = pool;
    this.dispatchOptions = options;
    this.#timeoutMs = limits.timeoutMs;
    this.#body = new ResponseBody(limits.maxResponseBytes);
    this.#resolve = resolve;
    this.#timer = setTimeout(onDeadline, limits.timeoutMs, this);
  }

  // --- from the pool ---

  useConnection(connection: Connection): void {
    this.#opened = this.opening;
    this.opening = null;
    this.#connection = connection;
    this.#writtenAt = 0;
    connection.dispatch(this);
  }

  openingFailed(failure: Failure): void {
    this.#fail(failure);
  }

  // --- from undici ---

  onRequestStart(): void {
    const connection = this.#connection;
    // undici then drops the request without writing it and without harm to the connection.
    if (this.#settled || connection === null) throw new AttemptOver('the attempt is over');
    connection.requestsWritten += 1;
    connection.interim.expectResponse();
    this.#writtenAt = performance.now();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number, headers: ReceivedHeaders): void {
    if (this.#settled) return;
    if (statusCode < 100) {
      this.#abandon(
        failed('protocol_error', 'The status code of the response is not between 100 and 999. Answer 2xx.'),
      );
      return;
    }
    // Interim responses are taken out before undici sees them, but for one behind stray line ends.
    if (statusCode < 200) return;
    this.#statusCode = statusCode;
    this.#headers = joinedHeaders(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    this.#body.add(chunk);
    if (this.#body.overflowed) this.#respond(true);
  }

  onResponseEnd(): void {
    if (!this.#settled) this.#respond(false);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#settled) return;
    if (this.#statusCode !== 0) this.#respond(true);
    else if (this.#writtenAt === 0) this.#failUnwritten(error);
    else if (this.#isKeepAliveRace(error)) this.#startOver();
    else this.#abandon(exchangeFailure(error, this.#connection?.peerEnded === true));
  }

  // --- the end ---

  onDeadline(): void {
    if (this.#settled) return;
    if (this.#statusCode === 0) this.#abandon(deadlineFailure(this.#stage(), this.#timeoutMs));
    else this.#respond(true);
  }

  /** A response: the connection is kept only where the exchange was complete. */
  #respond(bodyTruncated: boolean): void {
    const connection = this.#connection;
    this.#finish({
      kind: 'response',
      statusCode: this.#statusCode,
      headers: this.#headers,
      body: this.#body.text(),
      bodyTruncated,
      phase: 'response',
      timings: this.#timings(),
      durationMs: this.#elapsedMs(),
    });
    if (connection === null) return;
    // A receiver that answered before it had the whole request may take what still comes for another one.
    const isUnread = connection.socket.writableLength > 0;
    if (bodyTruncated || isUnread || isClosing(this.#headers)) this.#pool.discard(connection);
    else this.#pool.release(connection);
  }

  /** No response, and the connection or the place in line is given up. */
  #abandon(failure: Failure): void {
    const { opening } = this;
    const connection = this.#connection;
    this.#fail(failure);
    if (opening !== null) this.#pool.cancelOpening(opening);
    else if (connection !== null) this.#pool.discard(connection);
    else this.#pool.leaveQueue(this);
  }

  #fail(failure: Failure): void {
    this.#finish({
      kind: 'no_response',
      code: failure.code,
      message: failure.message,
      phase: this.#phase(),
      timings: this.#timings(),
      durationMs: this.#elapsedMs(),
    });
  }

  #finish(outcome: AttemptOutcome): void {
    this.#settled = true;
    this.opening = null;
    this.#connection = null;
    clearTimeout(this.#timer);
    this.#pool.attemptEnded();
    this.#resolve(outcome);
  }

  /** undici refused the request, or the connection ended before the request was written. */
  #failUnwritten(error: Error): void {
    if (isRefusal(errorCode(error))) this.#refuse(error);
    else if (this.#startedOver)
      this.#abandon(
        failed(
          'connection_reset',
          'The receiver closed the connection before the request was written. Look for a crash or a restart there.',
        ),
      );
    else this.#startOver();
  }

  /** undici did not take the request: nothing is wrong with the connection. */
  #refuse(error: Error): void {
    const connection = this.#connection;
    this.#fail(
      failed('internal', `The request cannot be written: ${error.message}. Correct the headers of the webhook.`),
    );
    if (connection === null) return;
    // A connection that undici never saw has no idle timeout.
    if (connection.requestsWritten === 0) this.#pool.discard(connection);
    else this.#pool.release(connection);
  }

  /**
   * The keep-alive race: the receiver closed an idle connection as the request was on its way to it. Such a request was
   * hardly read, and the id that the receiver knows it by makes a repeat harmless, so it is written once more, at once
   * and over a connection of its own. Only where the connection served a request before, ended (a time-out is none), and
   * gave no byte of an answer: anything else says something about this request and is reported as it is.
   */
  #isKeepAliveRace(error: Error): boolean {
    const connection = this.#connection;
    if (connection === null || this.#startedOver || connection.requestsWritten < 2) return false;
    return connection.interim.firstByteAt === 0 && isConnectionEnd(error, connection.peerEnded);
  }

  #startOver(): void {
    const connection = this.#connection;
    this.#startedOver = true;
    this.#maybeArrived = this.#writtenAt !== 0;
    this.#connection = null;
    this.#writtenAt = 0;
    if (connection !== null) this.#pool.replace(connection, this);
  }

  /** Where the attempt is now. */
  #stage(): AttemptPhase {
    if (this.#writtenAt !== 0) return 'request';
    return (this.opening ?? this.#opened)?.phase ?? 'queued';
  }

  /** How far it got: no second connection takes back what the first one may have carried to the receiver. */
  #phase(): AttemptPhase {
    return this.#maybeArrived ? 'request' : this.#stage();
  }

  #timings(): AttemptTimings {
    const opened = this.opening ?? this.#opened;
    const firstByteAt = this.#writtenAt === 0 ? 0 : (this.#connection?.interim.firstByteAt ?? 0);
    return {
      dnsMs: opened?.dnsMs ?? null,
      connectMs: opened?.connectMs ?? null,
      tlsMs: opened?.tlsMs ?? null,
      firstByteMs: firstByteAt === 0 ? null : Math.floor(firstByteAt - this.#writtenAt),
    };
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }
}

type ReceivedHeaders = Record<string, string | string[] | undefined>;

function onDeadline(attempt: Attempt): void {
  attempt.onDeadline();
}

/** Headers with one value each, joined as RFC 9110 section 5.3 allows. The object is ours: undici made it for us. */
function joinedHeaders(headers: ReceivedHeaders): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (name === '__proto__' || value === undefined) continue;
    joined[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return joined;
}

function isRefusal(code: string): boolean {
  return (
    code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'
  );
}

function isClosing(headers: Record<string, string>): boolean {
  const { connection } = headers;
  return connection !== undefined && /\bclose\b/i.test(connection);
}
