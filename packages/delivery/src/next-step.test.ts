import { describe, expect, test } from '@jest/globals';
import { type AttemptContext, type AttemptOutcome, decideNextStep, noTimings } from './index.ts';

const nowMs = Date.parse('2026-04-05T14:04:00Z');
const context = (overrides: Partial<AttemptContext> = {}): AttemptContext => ({
  trigger: 'scheduled',
  scheduledAttempts: 1,
  retryScheduleSeconds: [5, 30, 120, 600, 1800],
  isSuccess: status => status >= 200 && status < 300,
  disablesWebhook: status => status === 410,
  jitterRatio: 0.1,
  nowMs,
  random: 0,
  ...overrides,
});
const answered = (statusCode: number, headers: Record<string, string> = {}): AttemptOutcome => ({
  kind: 'response',
  statusCode,
  headers,
  body: '',
  bodyTruncated: false,
  phase: 'response',
  timings: noTimings,
  durationMs: 5,
});
const refused: AttemptOutcome = {
  kind: 'no_response',
  code: 'connect_refused',
  message: 'Nothing listens there.',
  phase: 'connect',
  timings: noTimings,
  durationMs: 1,
};

describe('what follows from an attempt', () => {
  test.each([200, 201, 202, 204, 299])('%i succeeds', status => {
    expect(decideNextStep(answered(status), context())).toEqual({ kind: 'succeeded' });
  });

  test.each([
    [1, 5_000],
    [2, 30_000],
    [3, 120_000],
    [4, 600_000],
    [5, 1_800_000],
  ])('after failed attempt %i the next comes %i ms later', (scheduledAttempts, delayMs) => {
    expect(decideNextStep(answered(500), context({ scheduledAttempts }))).toMatchObject({ kind: 'retry', delayMs });
  });

  test('the sixth failure is the last', () => {
    expect(decideNextStep(refused, context({ scheduledAttempts: 6 }))).toEqual({
      kind: 'failed',
      error: { code: 'connect_refused', message: 'Nothing listens there.' },
      retryAfterMs: 0,
      deactivateWebhook: false,
    });
  });

  test('a request that is too large is the last: the next would be the same', () => {
    const tooLarge = { ...refused, code: 'request_too_large', message: 'Too large.' } as const;
    expect(decideNextStep(tooLarge, context())).toEqual({
      kind: 'failed',
      error: { code: 'request_too_large', message: 'Too large.' },
      retryAfterMs: 0,
      deactivateWebhook: false,
    });
  });

  test('an empty schedule means one attempt', () => {
    expect(decideNextStep(answered(503), context({ retryScheduleSeconds: [] })).kind).toBe('failed');
  });

  test.each([400, 401, 403, 404, 405, 415, 422, 429, 500, 502, 503, 0, 600, 999])('%i is retried', status => {
    expect(decideNextStep(answered(status), context())).toMatchObject({
      kind: 'retry',
      error: { code: 'http_status' },
    });
  });

  test.each([300, 301, 302, 303, 304, 307, 308])('the redirect %i is retried, never followed', status => {
    expect(decideNextStep(answered(status), context())).toMatchObject({
      kind: 'retry',
      error: { code: 'redirect_not_followed' },
    });
  });

  test.each([
    [undefined, ''],
    ['https://hooks.example.com/new/', ' (to https://hooks.example.com/new/)'],
    ['https://user:secret@hooks.example.com:8443/new?token=secret#secret', ' (to https://hooks.example.com:8443/new)'],
    ['//user:secret@hooks.example.com/new', ' (to https://hooks.example.com/new)'],
    ['/new?token=secret', ' (to /new)'],
    ['https:\\\\user:secret@hooks.example.com\\', ' (to https://hooks.example.com/)'],
    ['javascript:secret', ''],
    ['https://a b:secret@/', ''],
    [`/${'a'.repeat(5_000)}`, ` (to /${'a'.repeat(199)}…)`],
  ])('a redirect to %s says what to do, and shows neither credentials nor query', (location, shown) => {
    const step = decideNextStep(answered(308, location === undefined ? {} : { location }), context());
    expect(step.kind === 'retry' && step.error.message).toBe(
      `308: The receiver answered with a redirect${shown}. Redirects are never followed: update the URL of the webhook.`,
    );
  });

  test.each(['scheduled', 'manual', 'test'] as const)(
    '410 to a %s attempt fails it and deactivates the webhook',
    trigger => {
      expect(decideNextStep(answered(410), context({ trigger }))).toMatchObject({
        kind: 'failed',
        deactivateWebhook: true,
      });
    },
  );

  test.each(['manual', 'test'] as const)('a %s attempt is never followed by another', trigger => {
    expect(decideNextStep(answered(500), context({ trigger }))).toMatchObject({
      kind: 'failed',
      deactivateWebhook: false,
    });
  });

  test("jitter adds at most the contract's share and never takes away", () => {
    expect(decideNextStep(answered(500), context({ random: 0.999 }))).toMatchObject({ delayMs: 5499 });
    expect(decideNextStep(answered(500), context({ random: 0.999, jitterRatio: 0 }))).toMatchObject({ delayMs: 5000 });
    expect(decideNextStep(answered(500), context({ random: 0.5, jitterRatio: 1 }))).toMatchObject({ delayMs: 7500 });
  });

  test('what says that the webhook is gone is up to the contract', () => {
    const never = decideNextStep(answered(410), context({ disablesWebhook: () => false }));
    expect(never).toMatchObject({ kind: 'retry', error: { code: 'http_status' } });
    const at404 = decideNextStep(answered(404), context({ disablesWebhook: status => status === 404 }));
    expect(at404).toMatchObject({ kind: 'failed', deactivateWebhook: true, error: { code: 'gone' } });
    expect(at404.kind === 'failed' && at404.error.message).toContain('404');
  });
});

describe('Retry-After', () => {
  const delay = (status: number, value: string): number => {
    const step = decideNextStep(answered(status, { 'retry-after': value }), context());
    return step.kind === 'retry' ? step.delayMs : -1;
  };

  test.each([429, 503])('is a floor on %i', status => {
    expect(delay(status, '120')).toBe(120_000);
    expect(delay(status, '1')).toBe(5_000);
  });

  test('goes for other deliveries, too, whatever becomes of this one', () => {
    const asked = answered(429, { 'retry-after': '120' });
    expect(decideNextStep(asked, context())).toMatchObject({ kind: 'retry', retryAfterMs: 120_000 });
    for (const changes of [{ scheduledAttempts: 6 }, { trigger: 'manual' }] as const)
      expect(decideNextStep(asked, context(changes))).toMatchObject({ kind: 'failed', retryAfterMs: 120_000 });
    expect(decideNextStep(answered(500), context())).toMatchObject({ kind: 'retry', retryAfterMs: 0 });
  });

  test.each([500, 400, 502])('counts for nothing on %i', status => expect(delay(status, '120')).toBe(5_000));

  test.each([
    ['0', 5_000],
    ['120.6', 121_000],
    ['99999999999', 3_600_000],
    ['Sun, 05 Apr 2026 14:06:00 GMT', 120_000],
    ['Sunday, 05-Apr-26 14:06:00 GMT', 120_000],
    ['Sun Apr  5 14:06:00 2026', 120_000],
    ['Sun, 05 Apr 2026 13:00:00 GMT', 5_000],
    ['Sun, 05 Apr 2099 13:00:00 GMT', 3_600_000],
    ['-5', 5_000],
    ['soon', 5_000],
    ['2026-04-05', 5_000],
    ['', 5_000],
    ['1, 2', 5_000],
    ['60, 120', 120_000],
    ['120, soon', 5_000],
  ])('%p gives a delay of %i ms', (value, delayMs) => expect(delay(503, value)).toBe(delayMs));
});
