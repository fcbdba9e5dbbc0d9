import { expect, test } from '@jest/globals';
import { createSchemaTimes } from './schema-time.ts';

function start() {
  let nowMs = 1000;
  const timeOf = createSchemaTimes(() => nowMs);
  const pass = (ms: number): void => void (nowMs += ms);
  return { timeOf, pass, work: (ms: number) => () => pass(ms) };
}

test('more than a second of work at once has to be rested for, ten times as long as it was too much', () => {
  const { timeOf, pass, work } = start();
  const time = timeOf('a');
  for (let round = 0; round < 4; round += 1) time.charge(10, work(260));
  expect(time.restMs()).toBe(0);
  time.charge(10, work(260));
  // A tenth of the later four came back while they ran.
  const wantedMs = (1250 - 4 * 26 - 1000) * 10;
  expect(time.restMs()).toBeCloseTo(wantedMs);
  pass(wantedMs - 1);
  expect(time.restMs()).toBeCloseTo(1);
  pass(2);
  expect(time.restMs()).toBe(0);
});

test('what is free costs nothing, however often', () => {
  const { timeOf, work } = start();
  for (let round = 0; round < 10_000; round += 1) timeOf('a').charge(5, work(5));
  expect(timeOf('a').restMs()).toBe(0);
});

test('work that throws is charged; another workspace pays nothing', () => {
  const { timeOf, pass } = start();
  const fail = () =>
    timeOf('a').charge(0, () => {
      pass(3000);
      throw new Error('broken');
    });
  expect(fail).toThrow('broken');
  expect(timeOf('a').restMs()).toBe(20_000);
  expect(timeOf('b').restMs()).toBe(0);
});
