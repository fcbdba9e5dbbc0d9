import { afterEach, describe, expect, test } from '@jest/globals';
import type { AttemptErrorCode } from '@signpost/delivery';
import { createAddressPolicy } from './address-policy.ts';
import { createResolver } from './resolver.ts';
import { countDials } from './test-support/lookups.ts';
import { type NameAnswer, type NameServer, startNameServer } from './test-support/name-server.ts';
import { deadlineMs, ok, send, useTransports, whatHappenedAndWhatToDo } from './test-support/transport-fixture.ts';
import type { Transport } from './transport.ts';

const fixture = useTransports();
const dialled = countDials();
let server: NameServer | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

const name = 'hooks.example.com';
const healthy = 'healthy.example.com';

/** A transport that may reach loopback, and asks a name server that knows one healthy name. No other is ever asked. */
async function transportAsking(answer: (type: 'a' | 'aaaa') => NameAnswer): Promise<Transport> {
  server = await startNameServer((asked, type) => (asked === healthy ? { a: ['127.0.0.1'] } : answer(type)));
  // Where private networks are allowed, the system's own resolver has the last word on a name that does not exist.
  const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [] });
  return fixture.transportOf({
    resolve: createResolver(policy, { servers: [server.address], queryTimeoutMs: 100 }),
  });
}

describe('a name server that', () => {
  test.each<[string, AttemptErrorCode, NameAnswer]>([
    ['knows no such name (NXDOMAIN)', 'dns_not_found', { status: 'no_such_name' }],
    ['has no address for it (empty answer)', 'dns_not_found', {}],
    ['fails (SERVFAIL)', 'dns_failed', { status: 'server_failure' }],
    ['refuses (REFUSED)', 'dns_failed', { status: 'refused' }],
    [
      'sends an alias in a circle',
      'dns_not_found',
      {
        aliases: [
          [name, 'other.example.com'],
          ['other.example.com', name],
        ],
      },
    ],
    ['sends an alias of itself', 'dns_not_found', { aliases: [[name, name]] }],
    ['sends an alias that leads nowhere', 'dns_not_found', { aliases: [[name, 'nowhere.example.com']] }],
    ['answers in bytes that are no DNS', 'dns_failed', Buffer.from('818000010001ffffffff', 'hex')],
    ['says that there is more over TCP, where nothing listens', 'dns_failed', { isTruncated: true, a: ['127.0.0.1'] }],
    ['answers with an address that is not allowed', 'address_blocked', { a: ['10.0.0.1'] }],
    ['hides one among others', 'address_blocked', { a: ['127.0.0.1', '169.254.169.254'] }],
    ['hides one in the other family', 'address_blocked', { a: ['127.0.0.1'], aaaa: ['fd00:ec2:0:0:0:0:0:254'] }],
    ['is silent', 'timeout_dns', 'silence'],
    ['sends answers to other questions', 'timeout_dns', { isForged: true, a: ['127.0.0.1'] }],
  ])('%s is %s: nothing is dialled, and the next delivery is made', async (_case, code, answer) => {
    const receiver = await fixture.receiving(socket => socket.write(ok));
    const transport = await transportAsking(() => answer);
    const timeoutMs = code === 'timeout_dns' ? deadlineMs : 5_000;
    const outcome = await send(transport, `http://${name}:${receiver.port}/`, { timeoutMs });
    expect(outcome).toMatchObject({
      kind: 'no_response',
      code,
      phase: 'dns',
      message: expect.stringMatching(whatHappenedAndWhatToDo),
    });
    expect(outcome.durationMs).toBeLessThan(timeoutMs + 1_000);
    expect(dialled.count).toBe(0);
    expect(transport.stats()).toEqual({
      origins: 0,
      openConnections: 0,
      idleConnections: 0,
      openingConnections: 0,
      queuedAttempts: 0,
      runningAttempts: 0,
    });
    expect(await send(transport, `http://${healthy}:${receiver.port}/`)).toMatchObject({ statusCode: 200 });
  });

  test.each<[string, (type: 'a' | 'aaaa') => NameAnswer]>([
    ['never answers for IPv6', type => (type === 'a' ? { a: ['127.0.0.1'] } : 'silence')],
    ['fails for IPv6', type => (type === 'a' ? { a: ['127.0.0.1'] } : { status: 'server_failure' })],
    ['has an IPv6 address where nothing listens', () => ({ a: ['127.0.0.1'], aaaa: ['::1'] })],
    [
      'sends an alias with its address',
      type => ({ aliases: [[name, 'other.example.com']], ...(type === 'a' ? { a: ['127.0.0.1'] } : {}) }),
    ],
  ])('%s does not keep a delivery from the good IPv4 address', async (_case, answer) => {
    const receiver = await fixture.receiving(socket => socket.write(ok));
    const transport = await transportAsking(answer);
    const outcome = await send(transport, `http://${name}:${receiver.port}/`);
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 200 });
    expect(outcome.durationMs).toBeLessThan(3_000);
  });

  test('is not there at all is dns_failed', async () => {
    const gone = await startNameServer(() => 'silence');
    gone.close();
    const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [] });
    const transport = fixture.transportOf({ resolve: createResolver(policy, { servers: [gone.address] }) });
    expect(await send(transport, `http://${name}/`)).toMatchObject({ code: 'dns_failed', phase: 'dns' });
  });
});
