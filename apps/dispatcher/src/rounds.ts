import type { Logger } from '@signpost/runtime';

/** Something done again and again, never twice at a time. */
export interface Rounds {
  /** Resolves when the first round has ended, well or not. */
  readonly first: Promise<void>;
  /** Tells the round that is running that it should end, and waits for it. */
  stop(): Promise<void>;
}

/**
 * Runs `work` at once and then `intervalMs` after each end. A round that fails is logged and does not end the rounds; failures in a row are one warning.
 *
 * @param name for the log
 * @param work its signal is aborted by `stop`: a long round looks at it between its steps
 */
export function startRounds(
  name: string,
  intervalMs: number,
  logger: Logger,
  work: (signal: AbortSignal) => Promise<void>,
): Rounds {
  const stopping = new AbortController();
  const { signal } = stopping;
  let failing = false;
  let wake: (() => void) | undefined;
  let firstEnded = (): void => {};
  const first = new Promise<void>(resolve => {
    firstEnded = resolve;
  });
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await work(signal);
        if (failing) logger.info({ round: name }, 'round works again');
        failing = false;
      } catch (error) {
        // A store that is away fails every round until it is back: told once.
        logger[failing ? 'debug' : 'warn']({ error, round: name }, 'round failed');
        failing = true;
      }
      firstEnded();
      if (signal.aborted) return;
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
      stopping.abort();
      wake?.();
      await ended;
    },
  };
}
