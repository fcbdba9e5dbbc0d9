import { describe, expect, test } from '@jest/globals';
import { createMicroBatch } from './micro-batch.ts';

/** A batcher whose runs are noted and end when the test says so. */
function createObserved(options: { maxItems: number; intervalMs: number; concurrency: number }) {
  const runs: { items: readonly number[]; startedMs: number; end: () => void; fail: (error: Error) => void }[] = [];
  let noteStart = (): void => {};
  const batch = createMicroBatch<number, string>({
    ...options,
    run: items =>
      new Promise((resolve, reject) => {
        runs.push({
          items,
          startedMs: performance.now(),
          end: () => resolve(items.map(item => `done ${item}`)),
          fail: reject,
        });
        noteStart();
      }),
  });
  const started = (count: number): Promise<void> =>
    new Promise(resolve => {
      noteStart = () => {
        if (runs.length >= count) resolve();
      };
      noteStart();
    });
  return { batch, runs, started };
}

describe('a micro batch', () => {
  test('gathers what one turn of the event loop brings, and gives each caller its own result', async () => {
    const { batch, runs, started } = createObserved({ maxItems: 10, intervalMs: 5, concurrency: 1 });
    const results = [1, 2, 3].map(item => batch.add(item));
    await started(1);
    runs[0]?.end();
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2', 'done 3']);
    expect(runs.map(run => run.items)).toEqual([[1, 2, 3]]);
  });

  test('starts no more batches at a time than it may, and takes at most maxItems', async () => {
    const { batch, runs, started } = createObserved({ maxItems: 2, intervalMs: 0, concurrency: 2 });
    const results = [1, 2, 3, 4, 5, 6].map(item => batch.add(item));
    await started(2);
    expect(runs.map(run => run.items)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(batch.waiting()).toBe(2);
    runs[0]?.end();
    await started(3);
    for (const run of runs) run.end();
    expect(await Promise.all(results)).toHaveLength(6);
  });

  test('lets an interval pass between two starts', async () => {
    const { batch, runs, started } = createObserved({ maxItems: 10, intervalMs: 40, concurrency: 2 });
    const first = batch.add(1);
    await started(1);
    const second = batch.add(2);
    const third = batch.add(3);
    await started(2);
    const [one, two] = runs.map(run => run.startedMs) as [number, number];
    // The first may be noted late, the second never early: half of the interval is there on the slowest machine.
    expect(two - one).toBeGreaterThanOrEqual(20);
    for (const run of runs) run.end();
    expect(await Promise.all([first, second, third])).toEqual(['done 1', 'done 2', 'done 3']);
    expect(runs[1]?.items).toEqual([2, 3]);
  });

  test('tells every caller of a batch that failed, and goes on', async () => {
    const { batch, runs, started } = createObserved({ maxItems: 10, intervalMs: 0, concurrency: 1 });
    const failed = Promise.allSettled([batch.add(1), batch.add(2)]);
    await started(1);
    runs[0]?.fail(new Error('store away'));
    expect((await failed).map(result => result.status)).toEqual(['rejected', 'rejected']);
    const next = batch.add(3);
    await started(2);
    runs[1]?.end();
    expect(await next).toBe('done 3');
  });

  test('is drained when nothing waits or runs any more', async () => {
    const { batch, runs, started } = createObserved({ maxItems: 1, intervalMs: 0, concurrency: 1 });
    await batch.drain();
    const results = [batch.add(1), batch.add(2)];
    let drained = false;
    const draining = batch.drain().then(() => {
      drained = true;
    });
    await started(1);
    runs[0]?.end();
    await started(2);
    expect(drained).toBe(false);
    runs[1]?.end();
    await draining;
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2']);
  });
});
