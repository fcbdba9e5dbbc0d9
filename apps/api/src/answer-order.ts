import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** To the request before on the same connection. */
  readonly before: ServerResponse | null;
}

const latest = new WeakMap<Socket, Exchange>();

/** Before each request is served. */
export function noteExchange(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  latest.set(socket, { request, response, before: latest.get(socket)?.response ?? null });
}

/**
 * Requests that came together on one connection (RFC 9112, section 9.3.2) are answered in their order. An answer that is
 * written past Node's own writer must not overtake those that are still being made: a producer would read it as the answer
 * to a publish that was accepted.
 *
 * @param isLatestRefused true: the answer is to the latest request, not to what came after it
 * @param write is called when the earlier answers are out, or the connection is gone
 */
export function afterEarlierAnswers(socket: Socket, isLatestRefused: boolean, write: () => void): void {
  const exchange = latest.get(socket);
  // Of an incomplete request there is nothing more to come: what could not be read is a part of it.
  const isPart = isLatestRefused || exchange?.request.complete === false;
  const earlier = isPart ? exchange?.before : exchange?.response;
  if (earlier === undefined || earlier === null || earlier.writableFinished || earlier.closed) write();
  else earlier.once('close', write);
}
