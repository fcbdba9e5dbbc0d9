import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The wall clock of processes that were started with its environment. */
export interface ClockShift {
  readonly environment: Readonly<Record<'NODE_OPTIONS' | 'CLOCK_SHIFT_FILE', string>>;
  /** From now on the clock is wrong by so much, also in processes that run already. */
  set(shiftMs: number): void;
  remove(): void;
}

/** @param shiftMs by which the clock is wrong until it is set */
export function createClockShift(shiftMs = 0): ClockShift {
  const folder = mkdtempSync(path.join(tmpdir(), 'signpost-clock-'));
  const file = path.join(folder, 'shift');
  const set = (ms: number): void => {
    // At once, so that nobody reads half of it.
    writeFileSync(`${file}.new`, String(ms));
    renameSync(`${file}.new`, file);
  };
  set(shiftMs);
  return {
    environment: {
      NODE_OPTIONS: `--import=${import.meta.resolve('./shifted-clock.mjs')}`,
      CLOCK_SHIFT_FILE: file,
    },
    set,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
