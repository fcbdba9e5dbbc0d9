import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { attemptErrors } from '@signpost/delivery';
import { problemCodes } from '@signpost/api-schema';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

interface Described {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, unknown>>;
}

async function describedOperations(): Promise<{ method: string; path: string; operation: Described }[]> {
  const { body } = await api.call('GET /openapi.json');
  return Object.entries<Record<string, Described>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

test('200: OpenAPI 3.1, with every reference resolved', async () => {
  const { status, body, text } = await api.call('GET /openapi.json');
  expect([status, body.openapi]).toEqual([200, '3.1.0']);
  const references = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(match => match[1] as string);
  expect(references.length).toBeGreaterThan(10);
  for (const name of references) expect(Object.keys(body.components.schemas)).toContain(name);
});

test('every operation of the document is routed, and asks for a key unless it says otherwise', async () => {
  const all = await describedOperations();
  expect(all.length).toBeGreaterThan(25);
  for (const { method, path, operation } of all) {
    const answered = await api.call(`${method} ${path.replace(/\{\w+\}/, 'x')}`);
    const expected = operation.security?.length === 0 ? 200 : 401;
    expect([operation.operationId, answered.status]).toEqual([operation.operationId, expected]);
  }
});

test('every path of the API refuses other methods with 405', async () => {
  const all = await describedOperations();
  for (const path of new Set(all.map(each => each.path))) {
    const methods = all.filter(each => each.path === path).map(each => each.method);
    const other = ['PUT', 'PATCH', 'DELETE'].find(method => !methods.includes(method)) ?? 'TRACE';
    const answered = await api.call(`${other} ${path.replace(/\{\w+\}/, 'x')}`);
    expect([path, answered.status]).toEqual([path, 405]);
    expect(answered.headers.allow?.split(', ').toSorted((a, b) => a.localeCompare(b))).toEqual(
      methods.toSorted((a, b) => a.localeCompare(b)),
    );
  }
});

test('the page and its files load under a policy that allows no inline script', async () => {
  const page = await api.call('GET /docs');
  expect(page.status).toBe(200);
  expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  expect(page.headers['content-security-policy']).not.toMatch(/unsafe|\*|http/);
  expect(page.text).not.toMatch(/<script>|<style|style=|onload=|https?:\/\//);
  const files = [...page.text.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(match => match[1] as string);
  expect(files).toHaveLength(4);
  for (const file of files) expect([file, (await api.call(`GET ${file}`)).status]).toEqual([file, 200]);
  for (const other of ['package.json', '..%2fpackage.json', 'index.html'])
    expect((await api.call(`GET /docs/${other}`)).body.code).toBe('not_found');
});

test('the type of every problem points to its words on the page of errors, which has those of failed attempts, too', async () => {
  const page = await api.call('GET /docs/errors');
  expect(page.status).toBe(200);
  for (const code of Object.keys(problemCodes)) expect(page.text).toContain(`<h2 id="${code}">`);
  for (const code of Object.keys(attemptErrors)) expect(page.text).toContain(`<h2 id="attempt-${code}">`);
});

test('metrics count requests by operation and status, and nothing else', async () => {
  await api.call('GET /v1/event-types');
  await api.call('GET /some/unknown/path');
  const { status, text, headers } = await api.call('GET /metrics', { key: api.adminKey });
  expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/plain/)]);
  expect(text).toMatch(/signpost_http_requests_total\{operation="listEventTypes",status="401"\} \d+/);
  expect(text).toMatch(/signpost_http_requests_total\{operation="none",status="404"\} \d+/);
  expect(text).not.toContain('unknown/path');
});

test('ready names what is down, and does not need Redis', async () => {
  const ready = await api.call('GET /health/ready');
  expect(ready.status).toBe(200);
  expect(ready.body).toEqual({
    status: 'ready',
    checks: { postgres: { status: 'up', required: true }, redis: { status: 'down', required: false } },
  });
  expect((await api.call('GET /health/live')).body).toEqual({ status: 'live' });
});
