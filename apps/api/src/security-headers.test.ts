import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import { dataSecurityHeaders } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestAnswer, type TestApi, type TestWorkspace } from './test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let workspace: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
  workspace = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function expectGuarded(what: string, headers: Headers, guards: Headers = dataSecurityHeaders): void {
  const { server, 'x-powered-by': poweredBy, ...given } = headers;
  expect({ what, server, poweredBy, ...given }).toMatchObject({
    what,
    ...guards,
    server: undefined,
    poweredBy: undefined,
  });
}

/** What a server says to bytes that are not a request that a client would send. */
async function sendBytes(bytes: string): Promise<{ readonly status: number; readonly headers: Headers }> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write(bytes);
  const [statusLine = '', ...lines] = ((await text(socket)).split('\r\n\r\n')[0] ?? '').split('\r\n');
  const headers = lines.map(line => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 2),
  ]);
  return { status: Number(statusLine.split(' ')[1]), headers: Object.fromEntries(headers) as Headers };
}

test('every operation answers with them, with a key and without, and so does another method on its path', async () => {
  const statuses = new Set<number>();
  for (const { method, path } of Object.values<Operation>(operations)) {
    const url = path.replaceAll(/\{\w+\}/g, 'x');
    const calls: [what: string, answer: TestAnswer][] = [
      ['without a key', await api.call(`${method.toUpperCase()} ${url}`)],
      ['with a key', await api.call(`${method.toUpperCase()} ${url}`, { key: workspace.key })],
      ['with the instance key', await api.call(`${method.toUpperCase()} ${url}`, { key: api.adminKey })],
      ['another method', await api.call(`TRACE ${url}`, { key: workspace.key })],
    ];
    for (const [what, { status, headers }] of calls) {
      expectGuarded(`${method} ${path} ${what}: ${status}`, headers);
      statuses.add(status);
    }
  }
  for (const status of [200, 401, 403, 404, 405, 422]) expect(statuses).toContain(status);
});

test('refusals of a body, of a path and of the parser have them', async () => {
  const { key } = workspace;
  const publish = (headers: Record<string, string>, rawBody: string) =>
    api.call('POST /v1/events', { key, headers, rawBody });
  const answers: [status: number, answer: { readonly status: number; readonly headers: Headers }][] = [
    [202, await publish({}, '{"event_type":"call.ended","data":{}}')],
    [400, await publish({}, '{"event_type":')],
    [413, await publish({}, JSON.stringify({ data: 'a'.repeat(300_000) }))],
    [415, await publish({ 'content-type': 'text/plain' }, 'a')],
    [422, await publish({}, '{}')],
    [404, await api.call('GET /nothing/here')],
    [404, await api.call('GET /%E0%A4%A')],
    [404, await api.call('POST /docs')],
    [404, await api.call('GET /docs/package.json')],
    [400, await sendBytes('nonsense\r\n\r\n')],
    [400, await sendBytes('GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n')],
    [431, await sendBytes(`GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`)],
    [200, await sendBytes('GET /health/live HTTP/1.1\r\nhost: a\r\nexpect: tea\r\nconnection: close\r\n\r\n')],
  ];
  for (const [wanted, { status, headers }] of answers) {
    expect(status).toBe(wanted);
    expectGuarded(String(wanted), headers);
  }
});

test('pages and their files may load what they need from here, and nothing inline', async () => {
  const { 'content-security-policy': _, ...guards } = dataSecurityHeaders;
  const files = ['show-api.js', 'swagger-ui.css', 'swagger-ui-bundle.js', 'errors', 'errors.css'];
  for (const page of ['/docs', ...files.map(file => `/docs/${file}`)]) {
    const { status, headers } = await api.call(`GET ${page}`);
    expect(status).toBe(200);
    expectGuarded(page, headers, { ...guards, 'cross-origin-opener-policy': 'same-origin' });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
  }
});
