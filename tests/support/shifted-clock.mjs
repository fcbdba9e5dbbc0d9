// Preloaded into a process (see clock-shift.ts) whose wall clock shall be wrong: by as many milliseconds as the file named
// by CLOCK_SHIFT_FILE says whenever the clock is read. The monotonic clock and timers go on, as they do when somebody sets
// the time of a host. `Date.now` stays writable, as it is everywhere: the dispatcher puts one of its own in its place.
import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_SHIFT_FILE;
const RealDate = Date;
const realNow = Date.now;
let shiftMs = 0;

function shiftedNow() {
  try {
    shiftMs = Number(readFileSync(file, 'utf8'));
  } catch {
    // Whoever set it has ended: as it was.
  }
  return realNow() + shiftMs;
}

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(shiftedNow());
    else super(...parts);
  }

  static now() {
    return shiftedNow();
  }
};
