import { describe, expect, test } from '@jest/globals';
import type { DeliveryToAttempt } from '@signpost/database';
import type { DeliverJob } from '@signpost/queue';
import { contender, hasUnseenAttempt, judgeJob } from './judge-job.ts';

const delivery: DeliveryToAttempt = {
  id: 'd',
  workspaceId: 'w',
  eventId: 'e',
  webhookId: 'h',
  status: 'pending',
  attemptCount: 0,
  scheduledAttemptCount: 0,
  dueInMs: -5,
  manualRetryAt: null,
  test: false,
  contract: 'standard',
  contractVersion: 0,
  webhookVersion: 1,
  webhookActive: true,
  retryAfterInMs: null,
};
const job = (trigger: DeliverJob['trigger']): DeliverJob => ({ v: 1, deliveryId: 'd', trigger });
const asked = { manualRetryAt: '2026-01-01 00:00:00+00' };

describe('whether an attempt is still wanted', () => {
  test.each<[string, DeliverJob['trigger'], Partial<DeliveryToAttempt> | null, unknown]>([
    ['due', 'scheduled', {}, { kind: 'attempt' }],
    ['due now', 'scheduled', { dueInMs: 0 }, { kind: 'attempt' }],
    ['due in less than a millisecond', 'scheduled', { dueInMs: 0.2 }, { kind: 'again', delayMs: 1 }],
    ['not due yet', 'scheduled', { dueInMs: 999.2 }, { kind: 'again', delayMs: 1000, scheduledAttempts: 0 }],
    [
      'due, and the receiver wants a pause',
      'scheduled',
      { retryAfterInMs: 2000.4 },
      { kind: 'put off', retryAfterMs: 2001 },
    ],
    ['due, and the pause is nearly over', 'scheduled', { retryAfterInMs: 0.2 }, { kind: 'put off', retryAfterMs: 1 }],
    ['due, and the pause is over', 'scheduled', { retryAfterInMs: -1 }, { kind: 'attempt' }],
    ['not due yet, in a pause', 'scheduled', { dueInMs: 999, retryAfterInMs: 5000 }, { kind: 'again', delayMs: 999 }],
    ['a retry that a person asked for, in a pause', 'manual', { ...asked, retryAfterInMs: 5000 }, { kind: 'attempt' }],
    ['a test send in a pause', 'test', { test: true, retryAfterInMs: 5000 }, { kind: 'attempt' }],
    [
      'for an inactive webhook, in a pause',
      'scheduled',
      { webhookActive: false, retryAfterInMs: 5000 },
      { kind: 'cancel' },
    ],
    ['gone by retention', 'scheduled', null, { kind: 'done' }],
    ['final already', 'scheduled', { status: 'succeeded' }, { kind: 'done' }],
    ['to a deleted webhook', 'scheduled', { webhookVersion: null, webhookActive: null }, { kind: 'cancel' }],
    ['to an inactive webhook', 'scheduled', { webhookActive: false }, { kind: 'cancel' }],
    ['a test send to an inactive webhook', 'test', { webhookActive: false, test: true }, { kind: 'attempt' }],
    ['a retry that a person asked for', 'manual', { ...asked, status: 'failed' }, { kind: 'attempt' }],
    ['the same to an inactive webhook', 'manual', { ...asked, webhookActive: false }, { kind: 'attempt' }],
    ['the same to a deleted webhook', 'manual', { ...asked, webhookVersion: null }, { kind: 'cancel' }],
    ['a retry that has been made', 'manual', {}, { kind: 'done' }],
  ])('%s', (_name, trigger, changes, verdict) => {
    const found = changes === null ? null : { ...delivery, ...changes };
    expect(judgeJob(job(trigger), found)).toMatchObject(verdict as object);
  });
});

describe('whether a stalled job left an attempt that nobody saw', () => {
  const notes = { scheduledAttempts: 2, stallsSeen: 1, faults: 0 };
  test.each<[string, DeliverJob['trigger'], number, number, boolean]>([
    ['a job that did not stall since its last run', 'scheduled', 1, 2, false],
    ['one that stalled, and no attempt more is recorded', 'scheduled', 2, 2, true],
    ['one that stalled behind an attempt that was recorded', 'scheduled', 2, 3, false],
    ['a manual retry that is still open', 'manual', 2, 7, true],
    ['a test send that is still pending', 'test', 2, 0, true],
  ])('%s', (_name, trigger, stalledCount, scheduledAttemptCount, expected) => {
    expect(hasUnseenAttempt(job(trigger), { ...delivery, scheduledAttemptCount }, stalledCount, notes)).toBe(expected);
  });
});

test('only where a person asked for a retry can two jobs of a delivery meet', () => {
  expect(contender(job('scheduled'), delivery)).toBeNull();
  expect(contender(job('test'), { ...delivery, ...asked })).toBeNull();
  expect(contender(job('scheduled'), { ...delivery, ...asked })).toBe('manual');
  expect(contender(job('manual'), { ...delivery, ...asked })).toBe('scheduled');
});
