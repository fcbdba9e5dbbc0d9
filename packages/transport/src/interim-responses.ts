import type { Socket } from 'node:net';
import { ProtocolViolation, ResponseTooLarge } from './failure.ts';

/** Interim responses (1xx) taken before one final response. */
const maxInterimResponses = 16;
/** Bytes of one interim response head that has not ended yet. */
const maxInterimHeadBytes = 16 * 1024;

/**
 * Bytes of one response on the wire, framing included. The header and body limits do not see an endless reason phrase,
 * chunk extension or run of empty lines, which would keep a core busy until the deadline.
 */
const maxResponseWireBytes = 1024 * 1024;

/**
 * Bytes handed to undici at once. It compares its header limit at every header, but stops only behind the piece that it
 * is at, and makes an error for each header in the meantime. A flood of small headers took 67 ms of CPU in pieces of
 * 64 KiB, and takes 5 ms in these.
 */
const maxReadBytes = 1024;

/** Start of an interim response; `0` stands for the minor version digit. */
const interimStart = Buffer.from('HTTP/1.0 1', 'latin1');
const endOfHead = Buffer.from('\r\n\r\n', 'latin1');
const digitOne = 0x31;
const minorVersionAt = 7;
const statusAt = 9;

/**
 * Takes interim responses (RFC 9110 section 15.2) out of what the socket reads, and bounds it. undici ends a connection at the first
 * `100 Continue`, although a receiver may send it unasked, and has no bound for the others.
 *
 * Replaces `read` of one socket; it costs an addition and a few comparisons a read.
 */
export class InterimResponses {
  /** When the first byte after the request came, by `performance.now()`; 0 until then. */
  firstByteAt = 0;
  #awaitingHead = false;
  #held: Buffer | null = null;
  #count = 0;
  #bytes = 0;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
    socket.read = (size?: number): Buffer | null => {
      for (;;) {
        if (socket.destroyed) return null;
        const chunk = read(size ?? (socket.readableLength > maxReadBytes ? maxReadBytes : undefined));
        if (chunk === null) return null;
        this.#bytes += chunk.length;
        if (this.#bytes > maxResponseWireBytes) return this.#end(new ResponseTooLarge('the response does not end'));
        if (!this.#awaitingHead) return chunk;
        if (this.firstByteAt === 0) this.firstByteAt = performance.now();
        if (this.#held === null && chunk.length > statusAt && chunk[statusAt] !== digitOne) {
          this.#awaitingHead = false;
          return chunk;
        }
        const rest = this.#take(this.#held === null ? chunk : Buffer.concat([this.#held, chunk]));
        if (rest !== null) return rest;
      }
    };
  }

  /** Called when a request is about to be written: what comes next starts a response. */
  expectResponse(): void {
    this.firstByteAt = 0;
    this.#awaitingHead = true;
    this.#held = null;
    this.#count = 0;
    this.#bytes = 0;
  }

  /** Drops complete interim heads; returns the bytes from the final response on, or null where more are needed. */
  #take(bytes: Buffer): Buffer | null {
    let rest = bytes;
    this.#held = null;
    while (rest.length > 0) {
      const length = Math.min(rest.length, interimStart.length);
      if (!startsAsInterim(rest, length)) {
        this.#awaitingHead = false;
        return rest;
      }
      const end = rest.indexOf(endOfHead);
      if (end === -1) {
        if (rest.length > maxInterimHeadBytes) return this.#violation('An interim response (1xx) has no end.');
        this.#held = rest;
        return null;
      }
      const head = rest.toString('latin1', 0, end);
      if (!/^HTTP\/1\.\d 1\d\d[ \r]/.test(`${head}\r`)) {
        // Neither an interim response nor a valid one: undici's parser says what is wrong.
        this.#awaitingHead = false;
        return rest;
      }
      if (/(^|[^\r])\n/.test(head)) return this.#violation('An interim response (1xx) is not valid HTTP/1.1.');
      if (head.startsWith('101', statusAt)) {
        return this.#violation('The receiver answered 101 Switching Protocols, which nobody asked for.');
      }
      this.#count += 1;
      if (this.#count > maxInterimResponses) {
        return this.#violation(`The receiver sent more than ${maxInterimResponses} interim responses (1xx).`);
      }
      rest = rest.subarray(end + endOfHead.length);
    }
    return null;
  }

  #violation(message: string): null {
    return this.#end(new ProtocolViolation(message));
  }

  #end(error: Error): null {
    this.#awaitingHead = false;
    this.#socket.destroy(error);
    return null;
  }
}

function startsAsInterim(bytes: Buffer, length: number): boolean {
  for (let index = 0; index < length; index += 1) {
    if (index !== minorVersionAt && bytes[index] !== interimStart[index]) return false;
  }
  return true;
}
