import type { Logger } from '@signpost/runtime';

/** Something done again and again, never twice at a time. */
export interface Rounds {
  /** Resolves when the first round has ended, well or not. */
  readonly first: Promise<void>;
  /** Ends after the round that is running. */
  stop(): Promise<void>;
}

/**
 * Runs `work` at once and then `intervalMs` after each end. A round that fails is logged and does not end the rounds; failures in a row are one warning.
 *
 * @param name for the log
 */
export function startRounds(name: string, intervalMs: number, logger: Logger, work: () => Promise<void>): Rounds {
  let stopped = false;
  let failing = false;
  let wake: (() => void) | undefined;
  let firstEnded = (): void => {};
  const first = new Promise<void>(resolve => {
    firstEnded = resolve;
  });
  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        await work();
        if (failing) logger.info({ round: name }, 'round works again');
        failing = false;
      } catch (error) {
        // A store that is away fails every round until it is back: told once.
        logger[failing ? 'debug' : 'warn']({ error, round: name }, 'round failed');
        failing = true;
      }
      firstEnded();
      if (stopped) return;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, intervalMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const ended = run();
  return {
    first,
    async stop() {
      stopped = true;
      wake?.();
      await ended;
    },
  };
}
