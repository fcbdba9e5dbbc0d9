import { expect, test } from '@jest/globals';
import { createTurns } from './turns.ts';

/** Counts the turns of the event loop from now on. */
function countTurns(): { read(): number; stop(): void } {
  let turns = 0;
  let next = setImmediate(function again() {
    turns += 1;
    next = setImmediate(again);
  });
  return { read: () => turns, stop: () => clearImmediate(next) };
}

function workFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test('after each long part the event loop turns often enough to accept, read and answer a request', async () => {
  const othersTurn = createTurns();
  const counted = countTurns();
  for (let part = 0; part < 5; part += 1) {
    const before = counted.read();
    workFor(10);
    await othersTurn();
    expect(counted.read() - before).toBeGreaterThanOrEqual(3);
  }
  counted.stop();
});

test('short parts go on without a break, hundreds of them', async () => {
  const othersTurn = createTurns();
  const counted = countTurns();
  let breaks = 0;
  for (let part = 0; part < 1000; part += 1) {
    const before = counted.read();
    await othersTurn();
    if (counted.read() > before) breaks += 1;
  }
  expect(breaks).toBeLessThan(100);
  counted.stop();
});
