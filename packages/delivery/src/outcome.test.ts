import { expect, test } from '@jest/globals';
import { type AttemptPhase, attemptPhases, type Receipt, receiptOf } from './outcome.ts';

const withoutResponse: [AttemptPhase | null, Receipt][] = [
  ['queued', 'no'],
  ['dns', 'no'],
  ['connect', 'no'],
  ['tls', 'no'],
  ['request', 'unknown'],
  ['response', 'yes'],
  [null, 'unknown'],
];

test.each(withoutResponse)('an attempt without a response that got as far as %s: received %s', (phase, receipt) => {
  expect(receiptOf(phase, false)).toBe(receipt);
});

test.each([...attemptPhases, null])('an attempt with a response, phase %s: received yes', phase => {
  expect(receiptOf(phase, true)).toBe('yes');
});

test('every phase is in the table', () => {
  expect(withoutResponse.map(([phase]) => phase)).toEqual([...attemptPhases, null]);
});
