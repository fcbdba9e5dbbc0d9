// A receiver that is down for a while: it hangs, refuses with 503, or accepts, as it is told, and counts the requests
// that are under way.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { serveCommands } from './bench-process.ts';
import type { Behaviour, FailingReceiverCommands } from './commands.ts';
import { type PublishedRequest, readRequests } from './published-request.ts';

interface OpenRequest {
  readonly socket: Socket;
  readonly place: number;
  readonly arrivedAtMs: number;
  timer?: NodeJS.Timeout;
}

const accepted = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
let behaviour: Behaviour = { kind: 'accept', afterMs: 0 };
let refusal = Buffer.alloc(0);
let events = 0;
let webhooks = 0;
/** Of each pair of event and webhook. */
let wasRefused = new Uint8Array(0);
let wasAccepted = new Uint8Array(0);
const counts = { refused: 0, received: 0, duplicates: 0, strangers: 0, peakInFlight: 0 };
/** Arrivals of what was accepted. */
let firstAcceptedAtMs = 0;
let lastAcceptedAtMs = 0;
/** A connection carries one request at a time. */
const inFlight = new Map<Socket, OpenRequest>();

function arrive(socket: Socket, request: PublishedRequest | null): void {
  if (request === null || !(request.webhook < webhooks && request.sequence < events)) {
    counts.strangers += 1;
    socket.destroy();
    return;
  }
  const place = request.webhook * events + request.sequence;
  const open: OpenRequest = { socket, place, arrivedAtMs: Date.now() };
  inFlight.set(socket, open);
  counts.peakInFlight = Math.max(counts.peakInFlight, inFlight.size);
  answerOrWait(open);
}

function answerOrWait(open: OpenRequest): void {
  if (behaviour.kind === 'hang') return;
  if (behaviour.kind === 'accept' && behaviour.afterMs > 0)
    open.timer = setTimeout(() => answer(open, true), behaviour.afterMs);
  else answer(open, behaviour.kind === 'accept');
}

function answer(open: OpenRequest, accepts: boolean): void {
  const { socket, place } = open;
  inFlight.delete(socket);
  if (accepts) tickOffAccepted(open);
  else if (wasRefused[place] === 0) {
    wasRefused[place] = 1;
    counts.refused += 1;
  }
  socket.write(accepts ? accepted : refusal);
}

function tickOffAccepted({ place, arrivedAtMs }: OpenRequest): void {
  if (wasAccepted[place] === 1) {
    counts.duplicates += 1;
    return;
  }
  wasAccepted[place] = 1;
  counts.received += 1;
  lastAcceptedAtMs = Math.max(lastAcceptedAtMs, arrivedAtMs);
  firstAcceptedAtMs = firstAcceptedAtMs === 0 ? arrivedAtMs : Math.min(firstAcceptedAtMs, arrivedAtMs);
}

function behave(next: Behaviour): null {
  behaviour = next;
  if (next.kind === 'refuse')
    refusal = Buffer.from(
      `HTTP/1.1 503 Service Unavailable\r\nretry-after: ${next.retryAfter}\r\ncontent-length: 0\r\n\r\n`,
    );
  for (const open of inFlight.values()) {
    clearTimeout(open.timer);
    answerOrWait(open);
  }
  return null;
}

function expectAnew(input: { events: number; webhooks: number }): null {
  ({ events, webhooks } = input);
  wasRefused = new Uint8Array(events * webhooks);
  wasAccepted = new Uint8Array(events * webhooks);
  Object.assign(counts, { refused: 0, received: 0, duplicates: 0, strangers: 0, peakInFlight: inFlight.size });
  firstAcceptedAtMs = 0;
  lastAcceptedAtMs = 0;
  return null;
}

const server = createServer({ noDelay: true }, socket => {
  readRequests(socket, request => arrive(socket, request));
  socket.on('close', () => {
    clearTimeout(inFlight.get(socket)?.timer);
    inFlight.delete(socket);
  });
});

server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  serveCommands<FailingReceiverCommands>((server.address() as AddressInfo).port, {
    expect: expectAnew,
    behave,
    progress: () => ({ ...counts, inFlight: inFlight.size, firstAcceptedAtMs, lastAcceptedAtMs }),
    resetPeak() {
      counts.peakInFlight = inFlight.size;
      return null;
    },
  });
});
