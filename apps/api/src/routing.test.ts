import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { createTestDatabase, fixedClock, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from './test-api.ts';

const clock = fixedClock(Date.parse('2026-11-21T12:00:00Z'));
let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;
let lines: string[] = [];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: testDatabase.url,
    clock: { nowMs: () => clock.nowMs() },
    onLogLine: line => lines.push(line),
  });
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});
beforeEach(() => {
  lines = [];
});

/** A call whose body is refused before anything is written. */
const postBody = (rawBody: string | Buffer, headers: Record<string, string | undefined> = {}) =>
  api.call('POST /v1/event-types', { key: mine.key, rawBody, headers });

describe('bodies', () => {
  test('415: only application/json in UTF-8, without an encoding', async () => {
    for (const headers of [
      { 'content-type': undefined },
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=utf-16' },
      { 'content-encoding': 'gzip' },
    ]) {
      const refused = await postBody('{"name":"a"}', headers);
      expect([refused.status, refused.body.code]).toEqual([415, 'unsupported_media_type']);
    }
    const allowed = await postBody('{"name":"content.type"}', { 'content-type': 'application/json; charset="UTF-8"' });
    expect(allowed.status).toBe(201);
  });

  test('413: one byte above the limit, with and without a declared length; the limit itself passes', async () => {
    const limit = 256 * 1024;
    const ofLength = (length: number) => `{"name":"${'a'.repeat(length - 11)}"}`;
    expect((await postBody(ofLength(limit))).status).toBe(422);
    expect((await postBody(ofLength(limit + 1))).status).toBe(413);
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await postBody(ofLength(limit), chunked)).status).toBe(422);
    const refused = await postBody(ofLength(limit + 1), chunked);
    expect([refused.status, refused.body.code]).toEqual([413, 'payload_too_large']);
  });

  test('413: a body without an end is cut', async () => {
    const { port } = new URL(api.url);
    const socket = connect(Number(port), '127.0.0.1');
    let received = '';
    socket.on('data', chunk => (received += String(chunk)));
    socket.on('error', () => {});
    const closed = new Promise(resolve => socket.once('close', resolve));
    socket.write(
      `POST /v1/event-types HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${mine.key}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const chunk = `${(64 * 1024).toString(16)}\r\n${'a'.repeat(64 * 1024)}\r\n`;
    const send = (): void => {
      if (socket.writable && socket.write(chunk)) setImmediate(send);
    };
    socket.on('drain', send);
    send();
    await closed;
    expect(received).toMatch(/^HTTP\/1.1 413 /);
  });

  test('400: bytes that are not UTF-8', async () => {
    const refused = await postBody(Buffer.from([0x22, 0xff, 0x22]));
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_encoding']);
  });

  test('400: what is not JSON, with the position', async () => {
    for (const [text, position] of [
      ['{"name":NaN}', 'position 8'],
      ['{"name":"a",}', 'position 12'],
      ["{'name':1}", 'position 1'],
      ['{"name":', 'position 8'],
      ['\ufeff{"name":"a"}', 'position 0'],
      ['', 'position 0'],
      ['{"name":"\u0001"}', 'position 9'],
    ] as const) {
      const refused = await postBody(text);
      expect([refused.status, refused.body.code]).toEqual([400, 'invalid_json']);
      expect(refused.body.detail).toContain(position);
    }
  });

  test('400: nested 65, 5,000 and 120,000 levels deep; 64 pass', async () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect((await postBody(nested(64))).status).toBe(422);
    for (const depth of [65, 5000, 120_000]) expect((await postBody(nested(depth))).body.code).toBe('body_too_deep');
  });

  test('422: __proto__ is a field like others, and changes nothing', async () => {
    const refused = await postBody('{"name":"a.b","__proto__":{"polluted":true},"constructor":{"prototype":{}}}');
    expect(refused.body.errors).toEqual([
      { path: 'body.__proto__', message: 'is not a known field' },
      { path: 'body.constructor', message: 'is not a known field' },
    ]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('keys', () => {
  const get = (authorization: string | undefined, headers: Record<string, string> = {}) =>
    api.call('GET /v1/event-types', { headers: { ...headers, authorization } });

  test('401: no key, a wrong key, another form', async () => {
    for (const authorization of [
      undefined,
      'Bearer',
      'Basic abc',
      'Bearer sk_live_wrong',
      `bearer ${mine.key}x`,
      'Bearer key_x:y',
    ]) {
      const refused = await get(authorization);
      expect([refused.status, refused.body.code]).toEqual([401, 'unauthorized']);
      expect(refused.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  test('200: the two spellings of a key, and not a key with the id of another', async () => {
    const [first, second] = [
      (await api.call('POST /v1/api-keys', { key: mine.key, body: { name: 'a', scopes: ['read'] } })).body,
      (await api.call('POST /v1/api-keys', { key: mine.key, body: { name: 'b', scopes: ['read'] } })).body,
    ];
    expect((await get(`Bearer ${first.secret}`)).status).toBe(200);
    expect((await get(`Bearer ${first.id}:${first.secret}`)).status).toBe(200);
    expect((await get(`Bearer ${second.id}:${first.secret}`)).status).toBe(401);
    expect((await get(`Bearer ${first.id}:${api.adminKey}`)).status).toBe(401);
  });

  test('403: the scope is missing; admin includes the others', async () => {
    const { id } = mine;
    const [reader, publisher] = [await api.makeKey(id, ['read']), await api.makeKey(id, ['publish'])];
    const create = { body: { name: 'never.made' } };
    expect((await api.call('POST /v1/event-types', { ...create, key: reader })).status).toBe(403);
    expect((await api.call('GET /v1/event-types', { key: publisher })).status).toBe(403);
    expect((await api.call('GET /v1/event-types', { key: reader })).status).toBe(200);
    expect((await api.call('GET /v1/event-types', { key: mine.key })).status).toBe(200);
  });

  test('404: another workspace in X-Workspace-Id; its own is welcome', async () => {
    const other = await api.makeWorkspace();
    expect((await get(`Bearer ${mine.key}`, { 'x-workspace-id': mine.publicId })).status).toBe(200);
    expect((await get(`Bearer ${mine.key}`, { 'x-workspace-id': other.publicId })).status).toBe(404);
    expect((await get(`Bearer ${mine.key}`, { 'x-workspace-id': 'nonsense' })).status).toBe(404);
  });

  test('the instance key names its workspace: 200; 422 without, 404 for one that is not', async () => {
    const authorization = `Bearer ${api.adminKey}`;
    expect((await get(authorization, { 'x-workspace-id': mine.publicId })).status).toBe(200);
    expect((await get(authorization)).body.code).toBe('workspace_required');
    expect((await get(authorization, { 'x-workspace-id': 'ws_01jd3kq8e5f1x9a7m2c4v6b8n0' })).status).toBe(404);
  });

  test('401: a revocation that another process made is seen within a second', async () => {
    const { body: made } = await api.call('POST /v1/api-keys', {
      key: mine.key,
      body: { name: 'a', scopes: ['read'] },
    });
    expect((await get(`Bearer ${made.secret}`)).status).toBe(200);
    await api.dependencies.database.pool.query('update api_keys set revoked_at = now() where secret_hint = $1', [
      made.secret.slice(-4),
    ]);
    clock.advance(1000);
    expect((await get(`Bearer ${made.secret}`)).status).toBe(401);
  });
});

test('404: what belongs to a workspace that another process deleted a moment ago', async () => {
  const gone = await api.makeWorkspace();
  expect((await api.call('GET /v1/event-types', { key: gone.key })).status).toBe(200);
  await api.dependencies.database.pool.query('delete from workspaces where id = $1', [gone.id]);
  for (const [target, body] of [
    ['POST /v1/event-types', { name: 'a' }],
    ['POST /v1/api-keys', { name: 'a', scopes: ['read'] }],
  ] as const)
    expect((await api.call(target, { key: gone.key, body })).status).toBe(404);
});

describe('every answer', () => {
  test('404: unknown paths, in the shape of RFC 9457', async () => {
    for (const path of ['/nothing', '/v1', '/v1/Workspaces', '/v1/event-types/', '/v1/%zz']) {
      const answered = await api.call(`GET ${path}`, { key: mine.key });
      expect([answered.status, answered.headers['content-type']]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ]);
      expect(answered.body).toEqual({
        type: '/docs/errors#not_found',
        title: expect.any(String),
        status: 404,
        detail: expect.any(String),
        code: 'not_found',
        request_id: answered.headers['x-request-id'],
      });
    }
  });

  test('405: another method, with those that are known', async () => {
    const answered = await api.call('PUT /v1/event-types', { key: mine.key });
    expect([answered.status, answered.body.code]).toEqual([405, 'method_not_allowed']);
    expect(answered.headers.allow).toBe('POST, GET');
  });

  test('a sane X-Request-Id comes back and is logged; another is replaced', async () => {
    const given = await api.call('GET /v1/event-types', { key: mine.key, headers: { 'x-request-id': 'trace-17' } });
    expect(given.headers['x-request-id']).toBe('trace-17');
    expect(lines.filter(line => line.includes('"request_id":"trace-17"'))).toHaveLength(1);
    for (const id of ['with space', 'a'.repeat(129)]) {
      const { headers } = await api.call('GET /v1/event-types', { headers: { 'x-request-id': id } });
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('log lines hold neither keys nor query strings', async () => {
    await api.call('GET /v1/event-types?cursor=canary-query', { key: mine.key });
    await api.call('GET /v1/event-types', { key: 'sk_live_canary-key' });
    await postBody('{"canary-body":1}');
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toMatch(/canary|sk_live/);
  });

  test('what is no HTTP gets a problem, too', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    let received = '';
    socket.on('data', chunk => (received += String(chunk)));
    socket.write('NONSENSE\r\n\r\n');
    await new Promise(resolve => socket.once('close', resolve));
    expect(received).toMatch(/^HTTP\/1.1 400 [^]*"code":"malformed_request"/);
  });
});
