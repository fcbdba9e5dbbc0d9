import { afterEach, expect, test } from '@jest/globals';
import { createAddressPolicy } from './address-policy.ts';
import { createResolver, resolveChecked } from './resolver.ts';
import { type NameAnswer, type NameServer, startNameServer } from './test-support/name-server.ts';
import { createTransport } from './transport.ts';

const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [] });
let server: NameServer | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

async function ask(hostname: string, answer: NameAnswer): ReturnType<typeof resolveChecked> {
  server = await startNameServer(() => answer);
  return resolveChecked(hostname, createResolver(policy, { servers: [server.address] }), policy);
}

test('a name is resolved to all its addresses', async () => {
  expect(await ask('hooks.example.com', { a: ['93.184.215.14', '93.184.215.15'] })).toEqual({
    kind: 'addresses',
    addresses: [
      { address: '93.184.215.14', family: 4 },
      { address: '93.184.215.15', family: 4 },
    ],
  });
});

test('a full name is asked as it is: no search domain is tried', async () => {
  await ask('redis.default', { status: 'no_such_name' });
  expect(new Set(server?.questions)).toEqual(new Set(['redis.default']));
});

test.each<[string, string, NameAnswer]>([
  ['a name that does not exist', 'dns_not_found', { status: 'no_such_name' }],
  ['a name without addresses', 'dns_not_found', {}],
  ['a name server that fails', 'dns_failed', { status: 'server_failure' }],
  ['a private answer', 'address_blocked', { a: ['10.0.0.5'] }],
  ['a private answer among public ones', 'address_blocked', { a: ['93.184.215.14', '127.0.0.1'] }],
])('%s is %s', async (_name, code, answer) => {
  expect(await ask('hooks.example.com', answer)).toMatchObject({
    kind: 'failed',
    code,
    message: expect.stringMatching(/\.$/),
  });
});

test('a name server that is silent is within the budget of the attempt', async () => {
  server = await startNameServer(() => 'silence');
  const transport = createTransport({
    policy,
    resolve: createResolver(policy, { servers: [server.address], queryTimeoutMs: 100 }),
  });
  const outcome = await transport.send({
    url: 'https://hooks.example.com/',
    method: 'POST',
    headers: {},
    body: Buffer.alloc(0),
    timeoutMs: 80,
  });
  expect(outcome).toMatchObject({ kind: 'no_response', code: 'timeout_dns', phase: 'dns' });
  expect(transport.stats()).toMatchObject({ origins: 0, openingConnections: 0, runningAttempts: 0 });
});
