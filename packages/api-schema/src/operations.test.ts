import { expect, test } from '@jest/globals';
import { createWebhookSchema, listWebhooksQuery, rotateSecretSchema, updateWebhookSchema } from './webhook.ts';
import { buildOpenApiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';
import { publishEventSchema } from './event.ts';

const all = Object.entries<Operation>(operations);

test('an operation is found under its own id, and its path names the parameters that it declares', () => {
  for (const [name, { operationId, path, request }] of all) {
    expect(operationId).toBe(name);
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]);
    expect([name, Object.keys(request.params?.shape ?? {})]).toEqual([name, named]);
  }
});

test('no two operations share a method and path', () => {
  expect(new Set(all.map(([, { method, path }]) => `${method} ${path}`)).size).toBe(all.length);
});

test('every call under /v1 needs a key', () => {
  expect(all.filter(([, { path, scope }]) => path.startsWith('/v1') && scope === null)).toEqual([]);
});

test('the document tells each operation once, with its answers and the problem shape', () => {
  const document = buildOpenApiDocument('1.2.3');
  expect(document.info.version).toBe('1.2.3');
  const described = Object.values(document.paths ?? {}).flatMap(path => Object.values(path as object));
  expect(described).toHaveLength(all.length);
  expect(JSON.stringify(document.paths?.['/v1/webhooks'])).toContain('application/problem+json');
});

test('the examples of ids are ids', () => {
  const examples = [
    ...JSON.stringify(buildOpenApiDocument('1')).matchAll(/"example":"((?:ws|key|wh|evt|del|att|aud)_[^"]+)"/g),
  ];
  expect(examples.length).toBeGreaterThan(5);
  for (const [, example] of examples) expect(example).toMatch(/^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
});

test('a webhook needs a URL and event types, and knows no other fields', () => {
  const minimal = { url: 'https://example.com', events: ['call.*', '*', 'call.ended'] };
  expect(createWebhookSchema.safeParse(minimal).success).toBe(true);
  for (const wrong of [
    { ...minimal, events: [] },
    { ...minimal, events: ['call.**'] },
    { ...minimal, events: ['.call'] },
    { ...minimal, timeout_ms: 60_001 },
    { ...minimal, retry_schedule: [0] },
    { ...minimal, retry_schedule: Array.from({ length: 31 }, () => 1) },
    { ...minimal, method: 'GET' },
    { ...minimal, active: 'yes' },
    { ...minimal, metadata: [] },
    { ...minimal, colour: 'red' },
    { events: ['*'] },
  ])
    expect([wrong, createWebhookSchema.safeParse(wrong).success]).toEqual([wrong, false]);
});

test('an update may be empty, keeps null apart from missing, and does not take a secret', () => {
  expect(updateWebhookSchema.parse({})).toEqual({});
  expect(updateWebhookSchema.parse({ description: null, timeout_ms: null })).toEqual({
    description: null,
    timeout_ms: null,
  });
  expect(updateWebhookSchema.safeParse({ url: null }).success).toBe(false);
  expect(updateWebhookSchema.safeParse({ secret: 'whsec_x' }).success).toBe(false);
});

const refusedNames = [
  'Host',
  'content-length',
  'Transfer-Encoding',
  'connection',
  'Expect',
  'upgrade',
  'TE',
  'Cookie',
  'content-type',
  'User-Agent',
  'webhook-signature',
  'Webhook-Id',
  'proxy-authorization',
  '',
  'a b',
  'a:b',
  'ä',
  '__proto__',
  'a\r\nb',
];

test('headers that Signpost sets, or that would end the header section, are refused by name', () => {
  const errorOf = (headers: unknown) =>
    createWebhookSchema.safeParse({ url: 'https://example.com', events: ['*'], headers }).error?.issues[0]?.path;
  expect(errorOf({ 'X-Team': 'billing', Authorization: 'Bearer x', 'X-Agent': 'us' })).toBeUndefined();
  for (const name of refusedNames)
    expect([name, errorOf(JSON.parse(`{${JSON.stringify(name)}:"x"}`))]).toEqual([name, ['headers', name]]);
  for (const value of ['a\r\nb', 'a\u0000', '€', 'x'.repeat(4097), ' x', 1, null])
    expect([value, errorOf({ 'X-A': value })]).toEqual([value, ['headers', 'X-A']]);
  expect(errorOf({ 'x-a': '1', 'X-A': '2' })).toEqual(['headers', 'X-A']);
  expect(errorOf(Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'a'])))).toEqual(['headers']);
  expect(errorOf([])).toEqual(['headers']);
});

test('an event takes any JSON value as its data, and needs one', () => {
  for (const data of [null, 0, '', [], {}, false, { __proto__: null }])
    expect(publishEventSchema.safeParse({ event_type: 'a', data }).success).toBe(true);
  expect(publishEventSchema.safeParse({ event_type: 'a' }).success).toBe(false);
});

test('metadata keep a member named __proto__', () => {
  const text = '{"event_type":"a","data":1,"metadata":{"__proto__":{"x":1},"b":2}}';
  expect(JSON.stringify(publishEventSchema.parse(JSON.parse(text)))).toBe(text);
  expect(({} as { x?: number }).x).toBeUndefined();
});

test('an idempotency key is 1 to 255 printable characters', () => {
  const accepts = (key: string) =>
    publishEventSchema.safeParse({ event_type: 'a', data: 1, idempotency_key: key }).success;
  expect([accepts('k'), accepts('k'.repeat(255))]).toEqual([true, true]);
  expect([accepts(''), accepts('k'.repeat(256)), accepts('a\n'), accepts('é')]).toEqual([false, false, false, false]);
});

test('defaults: a page has 20 rows, an overlap 24 hours', () => {
  expect(listWebhooksQuery.parse({ active: 'false' })).toEqual({ limit: 20, active: false });
  expect(rotateSecretSchema.parse({})).toEqual({ overlap_seconds: 86_400 });
});
