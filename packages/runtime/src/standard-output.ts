import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** While nobody reads a full pipe, a line waits this long for room, in ms, and is dropped then. */
const maxWaitMs = 500;
const retryEveryMs = 10;

const timer = new Int32Array(new SharedArrayBuffer(4));

/**
 * Where log lines go: standard output, synchronously, so that the last line of a process that ends is not lost.
 *
 * Pino's own destination, sonic-boom 4, retries for ever inside its `flushSync` when the reader of the pipe is gone
 * (EPIPE): a process whose parent died would hang at its exit instead of ending. A log is never worth that.
 */
export function standardOutput(): DestinationStream {
  let readerGone = false;
  return {
    write(line) {
      if (!readerGone) readerGone = !writeAll(Buffer.from(line));
    },
  };
}

/** @returns false where no later line can be written either */
function writeAll(bytes: Buffer): boolean {
  let offset = 0;
  for (let waitedMs = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(1, bytes, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false;
      if ((waitedMs += retryEveryMs) > maxWaitMs) return true;
      Atomics.wait(timer, 0, 0, retryEveryMs);
    }
  }
  return true;
}
