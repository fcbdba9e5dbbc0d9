// What the log of attempts tells of a request and its answer, and what it keeps to itself.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { builtInContracts } from '@signpost/contracts';
import { type Receiver, startReceiver } from '@signpost/testing';
import { type ApiWithDispatcher, startApiWithDispatcher } from '../../api-with-dispatcher.fixture.ts';
import type { TestApi, TestWorkspace } from '../../test-api.ts';

let system: ApiWithDispatcher;
let api: TestApi;
let receiver: Receiver;
let mine: TestWorkspace;

beforeAll(async () => {
  system = await startApiWithDispatcher();
  ({ api, receiver } = system);
  mine = await api.makeWorkspace();
});
afterAll(() => system.close());

/** Sends one test event to a new webhook. @returns the attempt as the log shows it, and the text of that answer */
async function attemptTo(fields: object) {
  const body = { url: receiver.url, events: ['*'], ...fields };
  const webhook = await api.call('POST /v1/webhooks', { key: mine.key, body });
  const test = { event_type: 'call.ended' };
  const sent = await api.call(`POST /v1/webhooks/${webhook.body.id}/test`, { key: mine.key, body: test });
  const shown = await api.call(`GET /v1/deliveries/${sent.body.delivery_id}`, { key: mine.key });
  return { attempt: shown.body.attempts[0], texts: webhook.text + sent.text + shown.text };
}

test.each([...builtInContracts.keys()])('the signature headers of %s are shown as they were sent', async contract => {
  receiver.answerWith(() => ({}));
  const { attempt } = await attemptTo({ contract });
  const sent = receiver.requests.at(-1)?.headers ?? {};
  const names = Object.keys(sent).filter(name => name.includes('signature'));
  expect(names.length).toBeGreaterThan(0);
  const shown = Object.entries(attempt.request.headers).map(([name, value]) => [name.toLowerCase(), value]);
  for (const name of names) expect(shown).toContainEqual([name, sent[name]]);
});

test("credentials among the webhook's own headers are hidden, also where the receiver repeats them", async () => {
  receiver.answerWith(({ headers }) => ({
    status: 307,
    headers: { 'x-said': String(headers['x-auth']), location: `/login/${String(headers['x-auth'])}` },
    body: JSON.stringify(headers),
  }));
  const { attempt, texts } = await attemptTo({
    headers: {
      Authorization: 'Bearer first-canary',
      'X-Auth': 'second-canary',
      'X-Access-Key': 'third-canary',
      'X-Signature': 'fourth-canary',
      'X-Tenant': 'seven',
    },
  });
  expect(JSON.stringify(receiver.requests.at(-1)?.headers)).toMatch(/first-.*second-.*third-.*fourth-canary/);
  expect(texts).not.toContain('canary');
  expect(attempt.request.headers).toMatchObject({
    Authorization: '[hidden]',
    'X-Auth': '[hidden]',
    'X-Access-Key': '[hidden]',
    'X-Signature': '[hidden]',
    'X-Tenant': 'seven',
  });
  expect(attempt.response.headers).toMatchObject({ 'x-said': '[hidden]', location: '/login/[hidden]' });
  expect(JSON.parse(attempt.response.body)).toMatchObject({ authorization: '[hidden]', 'x-tenant': 'seven' });
  expect(attempt.error.message).toContain('(to /login/[hidden])');
});

test('what an answer points to is shown without user, password, query and fragment', async () => {
  const secretUrl = 'https://user:hunter2@example.com/x?token=canary#canary';
  receiver.answerWith(() => ({
    status: 302,
    headers: { location: secretUrl, 'content-location': '/y?token=canary', refresh: `3; url=${secretUrl}` },
  }));
  const { attempt, texts } = await attemptTo({});
  expect(attempt.response.headers).toMatchObject({
    location: 'https://example.com/x',
    'content-location': '/y',
    refresh: '3; url=https://example.com/x',
  });
  expect(texts).not.toMatch(/hunter2|canary/);
});

describe('whether the receiver has the request', () => {
  test('is unknown where the connection was cut behind it', async () => {
    receiver.answerWith(() => {
      throw new Error('The receiver cuts the connection.');
    });
    const { attempt } = await attemptTo({});
    expect(attempt).toMatchObject({ received: 'unknown', phase: 'request', error: { code: 'connection_reset' } });
  });

  test('is unknown where no answer came in time', async () => {
    receiver.answerWith(() => ({ delay: new Promise(() => undefined) }));
    const { attempt } = await attemptTo({ timeout_ms: 1000 });
    expect(attempt).toMatchObject({ received: 'unknown', phase: 'request', error: { code: 'timeout_headers' } });
  });

  test('is certain where no connection came about: no', async () => {
    const closed = await startReceiver();
    await closed.close();
    const { attempt } = await attemptTo({ url: closed.url });
    expect(attempt).toMatchObject({ received: 'no', phase: 'connect', error: { code: 'connect_refused' } });
  });

  test('is certain where it answered, whatever it answered: yes', async () => {
    receiver.answerWith(() => ({ status: 500 }));
    expect((await attemptTo({})).attempt).toMatchObject({ received: 'yes', phase: 'response', response_code: 500 });
  });
});
