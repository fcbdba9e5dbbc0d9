import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type InternalServer, startInternalServer } from './internal-server.ts';
import { Counter, Registry } from './metrics.ts';
import { dataSecurityHeaders } from './security-headers.ts';

let server: InternalServer;
let isUp = true;
const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${server.port}${path}`, { method });

beforeAll(async () => {
  const registry = new Registry();
  new Counter({ name: 'things_total', help: 'Things.', registers: [registry] }).inc();
  const check = () => (isUp ? Promise.resolve() : Promise.reject(new Error('password of postgres is wrong')));
  server = await startInternalServer({
    port: 0,
    host: '127.0.0.1',
    registry,
    checks: [
      { name: 'postgres', required: true, check },
      { name: 'redis', required: false, check },
    ],
  });
});
afterAll(() => server.close());

test('it serves liveness, readiness and metrics without a key', async () => {
  expect(await (await get('/health/live')).json()).toEqual({ status: 'live' });
  expect(await (await get('/metrics?x=1')).text()).toContain('things_total 1');
  const ready = await get('/health/ready');
  expect([ready.status, await ready.json()]).toEqual([
    200,
    {
      status: 'ready',
      checks: { postgres: { status: 'up', required: true }, redis: { status: 'up', required: false } },
    },
  ]);
});

test('readiness says what is down, and not why', async () => {
  isUp = false;
  const ready = await get('/health/ready');
  const text = await ready.text();
  isUp = true;
  expect([ready.status, JSON.parse(text)]).toEqual([
    503,
    {
      status: 'not_ready',
      checks: { postgres: { status: 'down', required: true }, redis: { status: 'down', required: false } },
    },
  ]);
  expect(text).not.toContain('password');
});

test('nothing else is there, and every answer has the security headers', async () => {
  const answers = await Promise.all([get('/'), get('/v1/events'), get('/metrics', 'POST'), get('/metrics')]);
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 405, 200]);
  for (const { headers } of answers) expect(Object.fromEntries(headers)).toMatchObject(dataSecurityHeaders);
});
