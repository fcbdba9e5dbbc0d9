import { request } from 'node:http';
import { expect, test } from '@jest/globals';
import { fixedClock, startReceiver, waitFor } from './index.ts';

function post(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: { 'x-name': 'value' } }, response => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

test('the receiver keeps the bytes and headers of every request and answers as scripted', async () => {
  const receiver = await startReceiver((_request, index) => ({ status: index === 0 ? 503 : 200, body: 'noted' }));
  expect(await post(`${receiver.url}/hook?x=1`, 'one')).toBe(503);
  expect(await post(`${receiver.url}/hook`, 'two')).toBe(200);
  const [first, second] = await receiver.waitForRequests(2);
  expect(first).toMatchObject({ method: 'POST', path: '/hook?x=1', body: Buffer.from('one') });
  expect(first?.headers['x-name']).toBe('value');
  expect(first?.rawHeaders).toContain('x-name');
  expect(second?.body.toString()).toBe('two');
  await receiver.close();
});

test('an answer waits for its delay, and closing cuts a sender that still waits', async () => {
  let release = (): void => undefined;
  const released = new Promise<void>(resolve => (release = resolve));
  const receiver = await startReceiver((_request, index) => ({
    delay: index === 0 ? released : new Promise(() => undefined),
  }));
  const first = post(receiver.url, '');
  await receiver.waitForRequests(1);
  release();
  expect(await first).toBe(204);
  const second = post(receiver.url, '').catch((error: NodeJS.ErrnoException) => error.code);
  await receiver.waitForRequests(2);
  await receiver.close();
  expect(await second).toBe('ECONNRESET');
});

test('waiting for requests that do not come fails with the number that came', async () => {
  const receiver = await startReceiver();
  await expect(receiver.waitForRequests(1, 50)).rejects.toThrow(
    '1 requests have arrived at the receiver (50 ms); 0 did',
  );
  await receiver.close();
});

test('waitFor returns what the condition gave, and fails with its last error as the cause', async () => {
  let calls = 0;
  expect(await waitFor(() => (calls += 1) > 2 && 'there', { description: 'it is there' })).toBe('there');
  const failure = waitFor(() => Promise.reject(new Error('broken')), { timeoutMs: 20, description: 'it works' });
  await expect(failure).rejects.toMatchObject({
    message: expect.stringContaining('it works'),
    cause: new Error('broken'),
  });
});

test('the fixed clock moves only when told', () => {
  const clock = fixedClock(1000);
  expect(clock.nowMs()).toBe(1000);
  clock.advance(5);
  expect(clock.nowMs()).toBe(1005);
});
