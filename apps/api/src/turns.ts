import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work of one request goes on for this long without a break, in ms. */
const turnMs = 5;
/** Turns of the event loop in a break: a request is accepted in one, read in the next, and answered. */
const turnsOfOthers = 4;

/**
 * For work of many parts in one request: to be called after each part, it lets others in as soon as the parts took long
 * enough.
 */
export function createTurns(): () => Promise<void> {
  let startedMs = performance.now();
  return async () => {
    if (performance.now() - startedMs < turnMs) return;
    for (let turn = 0; turn < turnsOfOthers; turn += 1) await nextTurn();
    startedMs = performance.now();
  };
}
