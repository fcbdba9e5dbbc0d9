/**
 * Collects what many callers want at nearly the same moment and does it in one go: a group commit, a batched read.
 *
 * While `concurrency` batches are running, callers gather; when one ends, the next takes all that gathered, at most
 * `maxItems`. An idle batcher waits `lingerMs` before it starts, so that a burst is one batch.
 */
export interface MicroBatchOptions<Item, Result> {
  readonly maxItems: number;
  /** Milliseconds; 0 starts at the end of the current turn of the event loop. */
  readonly lingerMs: number;
  readonly concurrency: number;
  /** Does a batch; the results stand in the order of the items. A rejection rejects every caller of the batch. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
}

export interface MicroBatch<Item, Result> {
  add(item: Item): Promise<Result>;
  /** Items that wait for a batch. */
  waiting(): number;
  /** Resolves when nothing waits or runs any more. */
  drain(): Promise<void>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export function createMicroBatch<Item, Result>(options: MicroBatchOptions<Item, Result>): MicroBatch<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  let scheduled = false;
  let drained: (() => void)[] = [];

  const schedule = (): void => {
    if (scheduled || running >= options.concurrency || waiting.length === 0) return;
    scheduled = true;
    if (options.lingerMs > 0 && waiting.length < options.maxItems) setTimeout(start, options.lingerMs);
    else setImmediate(start);
  };

  const start = (): void => {
    scheduled = false;
    const batch = waiting.length > options.maxItems ? waiting.splice(0, options.maxItems) : waiting;
    if (batch === waiting) waiting = [];
    running += 1;
    void finish(batch);
    schedule();
  };

  const finish = async (batch: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await options.run(batch.map(entry => entry.item));
      batch.forEach((entry, index) => entry.resolve(results[index] as Result));
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
    running -= 1;
    schedule();
    if (running === 0 && waiting.length === 0) {
      for (const resolve of drained) resolve();
      drained = [];
    }
  };

  return {
    add: item =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      }),
    waiting: () => waiting.length,
    drain: () =>
      running === 0 && waiting.length === 0 ? Promise.resolve() : new Promise(resolve => drained.push(resolve)),
  };
}
