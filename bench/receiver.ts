// The receiver: as cheap as one can be, so that it measures the sender. HTTP/1.1 by hand on bare sockets; each request is
// answered with 204, and its event and webhook are ticked off.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { nowUs, serveCommands } from './bench-process.ts';
import type { ReceiverCommands } from './commands.ts';
import { percentiles } from './statistics.ts';

const answer = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const headEnd = Buffer.from('\r\n\r\n');
const sequenceField = Buffer.from('"sequence":');
const sentAtField = Buffer.from('"sent_at_us":');
const contentLength = /\r\ncontent-length: *(\d+)\r\n/i;
const webhookPath = /^\w+ \/w\/(\d+) /;

let events = 0;
let webhooks = 0;
let seen = new Uint8Array(0);
let latenciesMs = new Float64Array(0);
let received = 0;
let duplicates = 0;
let strangers = 0;
let lastArrivalUs = 0;

function readNumber(bytes: Buffer, field: Buffer, from: number): number {
  const at = bytes.indexOf(field, from);
  if (at === -1) return Number.NaN;
  let value = 0;
  for (let index = at + field.length; ; index += 1) {
    const digit = (bytes[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}

function tickOff(bytes: Buffer, head: string, bodyAt: number, arrivalUs: number): void {
  const webhook = Number(webhookPath.exec(head)?.[1]);
  const sequence = readNumber(bytes, sequenceField, bodyAt);
  if (!(webhook < webhooks && sequence < events)) {
    strangers += 1;
    return;
  }
  const place = webhook * events + sequence;
  if (seen[place] === 1) {
    duplicates += 1;
    return;
  }
  seen[place] = 1;
  latenciesMs[received] = (arrivalUs - readNumber(bytes, sentAtField, bodyAt)) / 1000;
  received += 1;
  lastArrivalUs = arrivalUs;
}

/** Answers every complete request in the bytes; returns what is left of them. */
function takeRequests(socket: Socket, arrived: Buffer, arrivalUs: number): Buffer {
  let bytes = arrived;
  while (bytes.length > 0) {
    const end = bytes.indexOf(headEnd);
    if (end === -1) return bytes;
    const head = bytes.toString('latin1', 0, end + 2);
    const length = contentLength.exec(head)?.[1];
    if (length === undefined) {
      strangers += 1;
      socket.destroy();
      return Buffer.alloc(0);
    }
    const bodyAt = end + headEnd.length;
    const next = bodyAt + Number(length);
    if (bytes.length < next) return bytes;
    tickOff(bytes, head, bodyAt, arrivalUs);
    socket.write(answer);
    bytes = bytes.subarray(next);
  }
  return bytes;
}

const server = createServer({ noDelay: true }, socket => {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', chunk => {
    const arrivalUs = nowUs();
    pending = takeRequests(socket, pending.length === 0 ? chunk : Buffer.concat([pending, chunk]), arrivalUs);
  });
  socket.on('error', () => socket.destroy());
});

server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  serveCommands<ReceiverCommands>((server.address() as AddressInfo).port, {
    expect(input) {
      ({ events, webhooks } = input);
      seen = new Uint8Array(events * webhooks);
      latenciesMs = new Float64Array(events * webhooks);
      received = 0;
      duplicates = 0;
      strangers = 0;
      return null;
    },
    progress: () => ({ received }),
    results: () => ({
      received,
      duplicates,
      strangers,
      lastArrivalUs,
      latencyMs: percentiles(latenciesMs.subarray(0, received)),
    }),
  });
});
