import { expect, test } from '@jest/globals';
import { describeIssue } from '@signpost/contracts';
import type { z } from 'zod';
import { listDeliveriesQuery } from './delivery.ts';
import { publishEventSchema } from './event.ts';
import { jsonObject, queryInteger, text, time } from './fields.ts';
import { createWebhookSchema } from './webhook.ts';

/** What is wrong with a value, in the words that a caller reads. */
const wrong = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value, { error: describeIssue }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')} ${message}`,
  );

test('lengths are counted in characters, as the document counts them', () => {
  expect(wrong(text(3), '\u{1f600}'.repeat(3))).toEqual([]);
  expect(wrong(text(3), '\u{1f600}'.repeat(4))).toEqual([' must have at most 3 characters']);
  expect(wrong(text(3), 'x'.repeat(1_000_000))).toEqual([' must have at most 3 characters']);
});

test('sizes of JSON are counted in bytes', () => {
  expect(wrong(jsonObject(10), { a: 'éé' })).toEqual([' must have at most 10 bytes of JSON text']);
  expect(wrong(jsonObject(12), { a: 'éé' })).toEqual([]);
});

test.each(['0x10', '1e1', ' 5', '5 ', '', '-1', '+1', '1.0', 'NaN', '0', '101', '9'.repeat(30), ['5', '6']])(
  'a number in a query is written in digits: %j is none',
  value => {
    expect(queryInteger(1, 100).safeParse(value).success).toBe(false);
  },
);

test('a time is within the years that Postgres keeps, and says one thing where it is not', () => {
  expect(wrong(time, '0001-01-01T00:00:00Z')).toEqual([]);
  expect(wrong(time, '9999-12-31T23:59:59.999Z')).toEqual([]);
  for (const outside of ['0000-12-31T23:59:59Z', '0001-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01'])
    expect(wrong(time, outside)).toEqual([' must be within the years 1 to 9999 of UTC']);
  expect(wrong(time, 'yesterday')).toHaveLength(1);
});

test('a wrong field is told what would be right, and its value is not repeated', () => {
  const webhook = { url: 7, events: [], method: 'GET', timeout_ms: 1.5, retry_schedule: [0], active: 'secret', x: 1 };
  expect(wrong(createWebhookSchema, webhook)).toEqual([
    'url must be a string, not a number',
    'events must have at least 1 item',
    'method must be one of POST, PUT, PATCH',
    'timeout_ms must be a whole number, not a fraction',
    'retry_schedule.0 must be at least 1',
    'active must be true or false, not a string',
    ' Unrecognized key: "x"',
  ]);
  expect(wrong(publishEventSchema, { timestamp: 'yesterday', channels: 'eu' })).toEqual([
    expect.stringMatching(/^event_type is required/),
    'data is required',
    'timestamp must be a time such as 2026-11-21T09:30:00Z, with Z or an offset',
    'channels must be an array, not a string',
  ]);
  expect(wrong(listDeliveriesQuery, { status: 'done', response_code: '99' })).toEqual([
    'status must be one of pending, succeeded, failed, cancelled',
    'response_code must be a whole number from 100 to 999',
  ]);
});
