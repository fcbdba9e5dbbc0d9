import { inspect } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { createClientIn } from './client.ts';
import type { SignpostClientOptions } from './connection.ts';
import { problem, startTestServer, type Step, type TestServer, testSurroundings } from './test-server.ts';

const secret = 'sk_live_9c1f70b2d4e84a6f';
const apiKey = `key_01jd3kq8e5f1x9a7m2c4v6b8n0:${secret}`;
let server: TestServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** All that a logger, a debugger or a crash report could print of it. */
function everythingShown(error: unknown): string {
  const shown = [inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }), String(error)];
  for (let each = error; each instanceof Error; each = each.cause) {
    shown.push(each.stack ?? '', JSON.stringify(each), JSON.stringify(Object.getOwnPropertyDescriptors(each)));
  }
  return shown.join('\n');
}

async function failureOf(step: Step, more: Partial<SignpostClientOptions> = {}): Promise<unknown> {
  server = await startTestServer(step);
  const client = createClientIn(testSurroundings(), { baseUrl: server.url, apiKey, retryLimit: 1, ...more });
  const failure = await client.publish({ eventType: 'a', data: 1 }).catch((error: unknown) => error);
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${apiKey}`);
  await client.close();
  return failure;
}

/** A server that sends back what it got, wherever a text has room. */
const echo = problem(422, `code ${apiKey}`, {
  detail: `Authorization: Bearer ${apiKey}`,
  errors: [{ path: secret, message: `${secret} ${apiKey}` }],
  headers: { 'x-request-id': secret },
});

test.each<[string, Step, Partial<SignpostClientOptions>]>([
  ['a reset connection', 'reset', {}],
  ['a cut answer', 'cut', {}],
  ['no answer in time', 'hang', { timeoutMs: 1000, retryLimit: 0 }],
  ['a problem', problem(401, 'unauthorized'), {}],
  ['a problem that echoes it', echo, {}],
  ['a page that echoes it', { status: 502, body: `<html>${apiKey}</html>`, headers: { 'x-request-id': secret } }, {}],
  ['an accepted answer that echoes it', { status: 202, body: `{${apiKey}` }, {}],
  ['a broken HTTP answer', (_request, response) => response.socket?.end(`nonsense ${apiKey}\r\n\r\n`), {}],
])('the API key is nowhere in the failure of %s', async (_name, step, more) => {
  const failure = await failureOf(step, more);
  expect(failure).toMatchObject({ name: 'SignpostError' });
  const shown = everythingShown(failure);
  expect(shown).not.toContain(secret);
  expect(shown).toContain('SignpostError');
});

test('what a server echoes is shown with the key hidden', async () => {
  await expect(failureOf(echo)).resolves.toMatchObject({
    message: 'POST /v1/events: 422 code [api key]: Authorization: Bearer [api key]',
    errors: [{ path: '[api key]', message: '[api key] [api key]' }],
  });
});

test('a printed client does not show the key', () => {
  const client = createClientIn(testSurroundings(), { baseUrl: 'http://127.0.0.1:1', apiKey });
  expect(everythingShown(client)).not.toContain(secret);
});
