import type { PendingCursor } from '@signpost/database';
import type { JobProducer } from '@signpost/queue';
import type { Logger } from '@signpost/runtime';
import type { DispatcherCounts } from './dispatcher-metrics.ts';

export interface RebuildOptions {
  readonly producer: JobProducer;
  readonly counts: DispatcherCounts;
  readonly logger: Logger;
}

/** How far a rebuild got. */
interface Progress {
  /** Of `beginRebuild`. */
  readonly name: string;
  /** Pending deliveries up to this have their jobs. */
  readonly after: PendingCursor | null;
  readonly deliveries: number;
}

/**
 * Fills empty queues with a job for every pending delivery, page by page.
 *
 * With a million of them that takes minutes, in which Redis may answer late. Then the next round goes on where this one
 * stopped, as long as nobody wiped Redis or began another rebuild: beginning anew each time might never end.
 *
 * @param addPage gives the deliveries behind a place their jobs. @returns their ids, and the next place; null: none is left
 * @returns runs until all is added, or until the signal: then whoever looks next goes on or begins anew
 */
export function createRebuild(
  { producer, counts, logger }: RebuildOptions,
  addPage: (
    after: PendingCursor | null,
  ) => Promise<{ readonly ids: readonly string[]; readonly next: PendingCursor | null }>,
): (signal: AbortSignal) => Promise<void> {
  let stopped: Progress | null = null;

  const begin = async (): Promise<Progress> => {
    if (stopped !== null && (await producer.isRebuilding(stopped.name))) return stopped;
    return { name: await producer.beginRebuild(), after: null, deliveries: 0 };
  };

  return async signal => {
    let progress = await begin();
    for (;;) {
      stopped = progress;
      if (signal.aborted) return;
      const { ids, next } = await addPage(progress.after);
      progress = { ...progress, after: next, deliveries: progress.deliveries + ids.length };
      if (next === null) break;
    }
    await producer.finishRebuild(progress.name);
    stopped = null;
    counts.rebuilds += 1;
    logger[progress.deliveries > 0 ? 'warn' : 'info']({ deliveries: progress.deliveries }, 'queue.rebuilt');
  };
}
