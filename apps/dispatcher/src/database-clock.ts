import { type Database, readDatabaseClock } from '@signpost/database';
import type { Logger, SteadyClock } from '@signpost/runtime';

/** A host whose clock is off by more than this is told of, in ms: receivers refuse signatures that are minutes off. */
const tellBeyondMs = 5000;

export interface DatabaseClockOptions {
  readonly database: Database;
  readonly clock: SteadyClock;
  /** The host's own clock, in Unix milliseconds. */
  readonly readWallClockMs: () => number;
  readonly logger: Logger;
}

/** Keeps a dispatcher's clock at the database's. */
export interface DatabaseClock {
  /** Looks once and sets the clock where it is off by more than the look can tell. @throws the driver's error */
  synchronize(): Promise<void>;
  /** How far the host's clock is ahead of the database's, in ms. */
  hostOffsetMs(): number;
}

/**
 * Why: BullMQ reads `Date.now` to say when a delayed job is due. A dispatcher whose clock is an hour ahead would pull all
 * delayed jobs again and again, one that is behind would put them back for an hour, and both would sign with a time that
 * receivers refuse. So all dispatchers go by the one clock by which deliveries are due.
 */
export function createDatabaseClock({ database, clock, readWallClockMs, logger }: DatabaseClockOptions): DatabaseClock {
  let hostOffsetMs = 0;
  let told = false;
  return {
    async synchronize() {
      const { nowMs, uncertaintyMs } = await readDatabaseClock(database);
      if (Math.abs(nowMs - clock.nowMs()) > uncertaintyMs + 1) clock.set(nowMs);
      hostOffsetMs = readWallClockMs() - nowMs;
      const isOff = Math.abs(hostOffsetMs) > tellBeyondMs + uncertaintyMs;
      if (isOff && !told)
        logger.warn(
          { offset_ms: Math.round(hostOffsetMs) },
          "this host's clock differs from the database's, by which it is corrected: set it with NTP",
        );
      told = isOff;
    },
    hostOffsetMs: () => hostOffsetMs,
  };
}
