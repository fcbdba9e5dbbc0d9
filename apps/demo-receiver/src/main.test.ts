import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type AppProcess, startApp, waitFor } from '@signpost/testing';
import { Webhook } from 'standardwebhooks';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
let app: AppProcess;

beforeAll(async () => {
  app = await startApp('demo-receiver', { SIGNING_SECRET: secret });
});

afterAll(async () => {
  expect(await app.stop()).toBe(0);
});

function send(path: string, body: string, id: string, signedWith = secret, signedBody = body): Promise<Response> {
  const now = new Date();
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(signedWith).sign(id, now, signedBody),
  };
  return fetch(`${app.url}${path}`, { method: 'POST', headers, body });
}

const lineWith = (text: string): Promise<string> =>
  waitFor(
    () =>
      app
        .logs()
        .split('\n')
        .find(line => line.includes(text)),
    { description: `a line with ${text}` },
  );

const page = async (): Promise<string> => (await fetch(app.url)).text();

test('a signed webhook is answered with 204 and printed as verified, with its type, id and body', async () => {
  const response = await send('/webhook', '{"type":"invoice.paid","data":{"id":"inv_1"}}', 'msg_signed');
  expect(response.status).toBe(204);
  const line = await lineWith('msg_signed');
  expect(line).toMatch(/^\d\d:\d\d:\d\d {2}invoice\.paid {2}msg_signed {2}signature verified {2}\{"type"/);
});

test('a webhook signed with another secret, or changed on the way, is printed as refused with the reason', async () => {
  await send('/webhook', '{"type":"a.b"}', 'msg_other', `whsec_${randomBytes(32).toString('base64')}`);
  expect(await lineWith('msg_other')).toMatch(/signature refused: No signature matches/);
  await send('/webhook', '{"type":"a.b","changed":true}', 'msg_changed', secret, '{"type":"a.b"}');
  expect(await lineWith('msg_changed')).toMatch(/signature refused: /);
});

test('a POST without any signature is refused and shown', async () => {
  await fetch(`${app.url}/bare`, { method: 'POST', body: 'not json' });
  expect(await lineWith('not json')).toMatch(/\(no event type\) {2}\(no webhook-id\) {2}signature refused: /);
});

test('?status= decides the answer, so that a retry can be seen', async () => {
  expect((await send('/webhook?status=500', '{}', 'msg_500')).status).toBe(500);
  expect(await lineWith('msg_500')).toContain('answered 500');
  expect((await send('/webhook?status=nonsense', '{}', 'msg_nonsense')).status).toBe(204);
});

test('what a sender writes can neither steer the terminal nor add a line', async () => {
  await send('/webhook', '\u001b[2J\nforged line', 'msg_control');
  expect(await lineWith('msg_control')).toContain('?[2J?forged line');
});

test('the page shows arrivals newest first, with check, headers and body', async () => {
  await send('/first', '{"type":"page.first"}', 'msg_page_1');
  await send('/second', '{"type":"page.second"}', 'msg_page_2', `whsec_${randomBytes(32).toString('base64')}`);
  const html = await page();
  expect(html.indexOf('page.second')).toBeLessThan(html.indexOf('page.first'));
  expect(html).toContain('✓ Signature verified');
  expect(html).toContain('✗ Refused: ');
  expect(html).toContain('<th scope="row">webhook-id</th><td>msg_page_1</td>');
});

test('the page escapes everything a sender controls', async () => {
  await fetch(`${app.url}/"><script>path</script>`, {
    method: 'POST',
    headers: { 'x-evil': '<script>header</script>' },
    body: JSON.stringify({ type: '<script>type</script>', data: `"'<img src=x>` }),
  });
  const html = await page();
  expect(html).toContain('&lt;script&gt;header&lt;/script&gt;');
  expect(html).toContain('&lt;script&gt;type&lt;/script&gt;');
  expect(html).not.toMatch(/<script|<img/);
});

test('the page loads nothing from elsewhere and refreshes itself without a script', async () => {
  const response = await fetch(app.url);
  expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'self'; base-uri/);
  expect(response.headers.get('x-frame-options')).toBe('DENY');
  expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  expect(await response.text()).toContain('<meta http-equiv="refresh"');
  const style = await fetch(`${app.url}/style.css`);
  expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
});

test('the page keeps the last 50', async () => {
  for (let index = 0; index < 51; index += 1) await send('/many', `{"type":"many.n${index}"}`, `msg_many_${index}`);
  const html = await page();
  expect(html.match(/<article>/g)).toHaveLength(50);
  expect(html).not.toContain('>many.n0<');
  expect(html).toContain('>many.n50<');
});

test('a body over 1 MiB is not taken', async () => {
  const body = Buffer.alloc(1024 * 1024 + 1);
  const response = await fetch(`${app.url}/too-large`, { method: 'POST', body }).catch(() => undefined);
  // The connection may be cut while the body is still on its way: then the sender sees no answer at all.
  expect([413, undefined]).toContain(response?.status);
  expect(await page()).not.toContain('/too-large');
});

test('without a secret it says what to set, and ends', async () => {
  await expect(startApp('demo-receiver', { SIGNING_SECRET: undefined })).rejects.toThrow('Set SIGNING_SECRET');
});
