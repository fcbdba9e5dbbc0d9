import type { Socket } from 'node:net';
import { nowUs } from './bench-process.ts';

/** What a receiver wants to know of a request: which event of the load generator came to which webhook. */
export interface PublishedRequest {
  /** From the path `/w/<webhook>`; NaN if it is another. */
  readonly webhook: number;
  /** The two numbers of the data; NaN if they are missing. */
  readonly sequence: number;
  readonly sentAtUs: number;
}

const headEnd = Buffer.from('\r\n\r\n');
const sequenceField = Buffer.from('"sequence":');
const sentAtField = Buffer.from('"sent_at_us":');
const contentLength = /\r\ncontent-length: *(\d+)\r\n/i;
const webhookPath = /^\w+ \/w\/(\d+) /;

/**
 * Reads requests off a socket, and nothing of them that is not needed: a receiver must be cheap.
 *
 * @param onRequest gets each as soon as it is complete; null for one without a length, whose socket is destroyed
 */
export function readRequests(
  socket: Socket,
  onRequest: (request: PublishedRequest | null, arrivalUs: number) => void,
): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', chunk => {
    const arrivalUs = nowUs();
    let bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let end = bytes.indexOf(headEnd); end !== -1; end = bytes.indexOf(headEnd)) {
      const head = bytes.toString('latin1', 0, end + 2);
      const length = contentLength.exec(head)?.[1];
      if (length === undefined) {
        socket.destroy();
        onRequest(null, arrivalUs);
        bytes = Buffer.alloc(0);
        break;
      }
      const bodyAt = end + headEnd.length;
      const next = bodyAt + Number(length);
      if (bytes.length < next) break;
      const webhook = Number(webhookPath.exec(head)?.[1]);
      const sequence = readNumber(bytes, sequenceField, bodyAt);
      onRequest({ webhook, sequence, sentAtUs: readNumber(bytes, sentAtField, bodyAt) }, arrivalUs);
      bytes = bytes.subarray(next);
    }
    pending = bytes;
  });
  socket.on('error', () => socket.destroy());
}

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
