import { DeadlineError, withDeadline } from './deadline.ts';
import type { Logger } from './logging.ts';

/** Something to close, in the order in which it was opened; closing goes backwards. */
export interface Closeable {
  readonly name: string;
  /** What is still open after this, in ms, is left to the end of the process: a warning, not a failed stop. */
  readonly timeoutMs?: number;
  close(): Promise<unknown>;
}

export interface ShutdownOptions {
  readonly logger: Logger;
  /** All of it must be done within this, in ms, or the process exits with code 1. */
  readonly graceMs: number;
}

/** Closes a process's parts in reverse order of `add`, once, on SIGTERM, SIGINT or when its parent is gone. */
export interface Shutdown {
  add(part: Closeable): void;
  /** @param exitCode 0 for a stop that was asked for */
  stop(reason: string, exitCode?: number): void;
}

export function createShutdown({ logger, graceMs }: ShutdownOptions): Shutdown {
  const parts: Closeable[] = [];
  let stopping = false;
  const stop = (reason: string, exitCode = 0): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    setTimeout(() => {
      logger.error({ grace_ms: graceMs }, 'stop took too long');
      process.exit(1);
    }, graceMs).unref();
    void closeAll(parts, logger).then(failed => process.exit(failed ? 1 : exitCode));
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  // Started by a parent that watches over it: without that parent nobody would ever stop this process.
  if (process.send !== undefined) process.on('disconnect', () => stop('parent gone'));
  process.on('unhandledRejection', error => {
    logger.fatal({ error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });
  process.on('uncaughtException', error => {
    logger.fatal({ error }, 'uncaught exception');
    stop('uncaught exception', 1);
  });
  return { add: part => void parts.push(part), stop };
}

async function closeAll(parts: readonly Closeable[], logger: Logger): Promise<boolean> {
  let failed = false;
  for (const part of parts.toReversed()) {
    const { name, timeoutMs } = part;
    try {
      await (timeoutMs === undefined ? part.close() : withDeadline(part.close(), timeoutMs, `closing the ${name}`));
    } catch (error) {
      if (timeoutMs !== undefined && error instanceof DeadlineError) {
        logger.warn({ part: name }, 'part left open');
        continue;
      }
      failed = true;
      logger.error({ error, part: name }, 'part did not close');
    }
  }
  return failed;
}

/** Tells the parent process, if there is one that listens, that this one is ready for work. */
export function announceReady(details: { readonly port?: number; readonly internalPort?: number | undefined }): void {
  process.send?.({ kind: 'ready', ...details });
}
