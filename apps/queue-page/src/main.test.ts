import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createJobProducer } from '@signpost/queue';
import { type AppProcess, startApp, startTestRedis, type TestRedis } from '@signpost/testing';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';

let redis: TestRedis;
let page: AppProcess | undefined;
const deliveryId = randomUUID();
beforeAll(async () => {
  redis = await startTestRedis();
  const producer = createJobProducer({ redisUrl: redis.url, onError: () => {} });
  await producer.enqueueDeliveries([{ deliveryId, delayMs: 3_600_000, scheduledAttempts: 0 }]);
  await producer.close();
});
afterEach(() => page?.stop());
afterAll(() => redis.stop());

const password = 'a password of 32 characters, long';
const start = async (environment: Record<string, string> = {}): Promise<string> => {
  page = await startApp('queue-page', { REDIS_URL: redis.url, LOG_LEVEL: 'silent', ...environment });
  return page.url;
};
const withPassword = (given: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Basic ${Buffer.from(`anyone:${given}`).toString('base64')}` },
});

test('shows the queues and their jobs, with headers that let nothing else in', async () => {
  const url = await start();
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(answer.headers.get('x-powered-by')).toBeNull();
  const queues = (await (await fetch(`${url}/api/queues?activeQueue=deliver&status=delayed`)).json()) as {
    queues: { name: string; counts: Record<string, number>; jobs: { id: string }[] }[];
  };
  expect(queues.queues.map(queue => queue.name)).toEqual(['fan-out', 'deliver']);
  expect(queues.queues[1]).toMatchObject({ counts: { delayed: 1 }, readOnlyMode: true, jobs: [{ id: deliveryId }] });
});

test('changes nothing', async () => {
  const url = await start();
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH'])
    expect((await fetch(`${url}/api/queues/deliver/${deliveryId}/promote`, { method })).status).toBe(405);
});

describe('who may see it', () => {
  test('without a password: whoever names this machine; a name that was made to lead here is refused', async () => {
    const url = new URL(await start());
    const status = await new Promise(resolve =>
      request({ host: url.hostname, port: url.port, headers: { host: 'evil.example' } }, answer =>
        resolve(answer.statusCode),
      ).end(),
    );
    expect(status).toBe(403);
  });

  test('with a password: whoever knows it', async () => {
    const url = await start({ QUEUE_PAGE_PASSWORD: password });
    const refused = await fetch(url);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('Basic');
    expect((await fetch(`${url}/api/queues`, withPassword('another password of that length'))).status).toBe(401);
    expect((await fetch(`${url}/api/queues`, withPassword(password))).status).toBe(200);
  });

  test('it does not start where others can reach it and no password is set', async () => {
    await expect(start({ HOST: '0.0.0.0' })).rejects.toThrow('set QUEUE_PAGE_PASSWORD');
    await expect(start({ HOST: '0.0.0.0', QUEUE_PAGE_PASSWORD: 'short' })).rejects.toThrow('at least 16 characters');
  });
});
