import { describe, expect, test } from '@jest/globals';
import { isEventType, isEventTypePattern, isFromBefore, matchesEventType, matchesSubscription } from './index.ts';

describe('event types', () => {
  test.each(['call.ended', 'bookingCreate', 'a', 'a-b_c.D1', 'x'.repeat(256)])('%p is one', name => {
    expect(isEventType(name)).toBe(true);
  });
  test.each(['', '.', 'a..b', '.a', 'a.', 'A b', '*', 'call.*', '../x', 'é', '🎉', 'a\n', 'x'.repeat(257)])(
    '%p is none',
    name => {
      expect(isEventType(name)).toBe(false);
    },
  );
  test.each(['*', 'call.*', 'call.ended', 'a.b.*'])('%p is a pattern', pattern =>
    expect(isEventTypePattern(pattern)).toBe(true),
  );
  test.each(['', '**', '*.ended', 'call*', 'call.*.x', '.*', 'a b.*'])('%p is no pattern', pattern => {
    expect(isEventTypePattern(pattern)).toBe(false);
  });
});

describe('matching', () => {
  test.each([
    ['*', 'call.ended', true],
    ['call.*', 'call.ended', true],
    ['call.*', 'call.leg.ended', true],
    ['call.*', 'call', false],
    ['call.*', 'caller.ended', false],
    ['call.ended', 'call.ended', true],
    ['call.ended', 'Call.ended', false],
    ['call.ended', 'call.ended.late', false],
  ])('%s and %s: %p', (pattern, eventType, expected) => expect(matchesEventType(pattern, eventType)).toBe(expected));

  const webhook = { active: true, eventTypes: ['call.*', 'sms.sent'], subject: null, channels: [] };
  const event = { eventType: 'call.ended', subject: 'agent_1', channels: ['eu'] };
  test('takes an event of any subject and channel when the webhook names none', () => {
    expect(matchesSubscription(webhook, event)).toBe(true);
    expect(matchesSubscription(webhook, { ...event, subject: null, channels: [] })).toBe(true);
  });
  test('an inactive webhook gets nothing', () =>
    expect(matchesSubscription({ ...webhook, active: false }, event)).toBe(false));
  test('a webhook bound to a subject gets that subject alone', () => {
    expect(matchesSubscription({ ...webhook, subject: 'agent_1' }, event)).toBe(true);
    expect(matchesSubscription({ ...webhook, subject: 'agent_2' }, event)).toBe(false);
    expect(matchesSubscription({ ...webhook, subject: 'agent_1' }, { ...event, subject: null })).toBe(false);
  });
  test('a webhook with channels needs one in common', () => {
    expect(matchesSubscription({ ...webhook, channels: ['us', 'eu'] }, event)).toBe(true);
    expect(matchesSubscription({ ...webhook, channels: ['us'] }, event)).toBe(false);
    expect(matchesSubscription({ ...webhook, channels: ['us'] }, { ...event, channels: [] })).toBe(false);
  });
});

describe('an event and a webhook that was made later', () => {
  const webhook = { id: '019abc00-0005-7000-8000-000000000000', createdAtMs: 5000 };
  test.each([
    ['older by both clocks', '019abc00-0004-7000-8000-000000000000', 4999, true],
    ['as old by the clock of Postgres', '019abc00-0004-7000-8000-000000000000', 5000, false],
    ['older by the clock of Postgres alone, which was set back', '019abc00-0006-7000-8000-000000000000', 4999, false],
    ['older by the clock of the API alone', '019abc00-0004-7000-8000-000000000000', 5001, false],
  ])('%s', (_name, id, createdAtMs, expected) => expect(isFromBefore({ id, createdAtMs }, webhook)).toBe(expected));
});
