import { execFile } from 'node:child_process';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from './address-policy.ts';
import { resolveChecked } from './resolver.ts';
import { SocketOpening } from './socket-opening.ts';
import { answering, countDials } from './test-support/lookups.ts';
import { send, until, useTransports } from './test-support/transport-fixture.ts';

const strict = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [] });
const loopback = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8'] });
const fixture = useTransports();
const dialled = countDials();
const execute = promisify(execFile);

/** Sends from a process of its own, because Node reads these variables when it starts. */
async function sendFromProcess(env: Record<string, string>, urls: readonly string[]): Promise<unknown> {
  const script = fileURLToPath(new URL('./test-support/send-each.ts', import.meta.url));
  const { stdout } = await execute(process.execPath, [script, ...urls], { env, timeout: 30_000 });
  return JSON.parse(stdout);
}

describe('sequences', () => {
  test('seq-001: a name that was public when the webhook was made is blocked when it has become private', async () => {
    const resolve = answering(['93.184.215.14'], ['127.0.0.1']);
    expect(await resolveChecked('rebind.attacker.net', resolve, strict)).toMatchObject({ kind: 'addresses' });
    const outcome = await send(fixture.transportOf({ policy: strict, resolve }), 'https://rebind.attacker.net/');
    expect(outcome).toMatchObject({ code: 'address_blocked', phase: 'dns' });
    expect(dialled.count).toBe(0);
  });

  test('seq-002: a connection takes one lookup, and goes to the address that was checked', async () => {
    const receiver = await fixture.receiving(socket => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    const resolve = answering(['127.0.0.1'], ['10.0.0.1']);
    const transport = fixture.transportOf({ policy: loopback, resolve });
    const outcome = await send(transport, `http://rebind.attacker.net:${receiver.port}/`);
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 204 });
    expect(resolve.asked).toEqual(['rebind.attacker.net']);
    expect(dialled.count).toBe(1);
  });

  test.each([301, 302, 303, 307, 308])('seq-003 to seq-005: a %i is reported and not followed', async statusCode => {
    const receiver = await fixture.receiving((socket, request) =>
      socket.write(
        `HTTP/1.1 ${statusCode} Moved\r\nlocation: http://127.0.0.1:${receiver.port}/other\r\nrefresh: 0;url=/${request.body}\r\ncontent-length: 0\r\n\r\n`,
      ),
    );
    const transport = fixture.transportOf({ policy: loopback });
    const outcome = await send(transport, receiver.url);
    expect(outcome).toMatchObject({
      kind: 'response',
      statusCode,
      headers: { location: expect.stringContaining('/other') },
    });
    expect(receiver.requests).toHaveLength(1);
  });

  test('seq-006: Refresh and Location of a 200 are ignored', async () => {
    const receiver = await fixture.receiving(socket =>
      socket.write(
        'HTTP/1.1 200 OK\r\nrefresh: 0;url=http://127.0.0.1/\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n',
      ),
    );
    const transport = fixture.transportOf({ policy: loopback });
    expect(await send(transport, receiver.url)).toMatchObject({ kind: 'response', statusCode: 200 });
    expect(receiver.requests).toHaveLength(1);
  });

  test('seq-007: a stricter policy is another transport and shares no connection', async () => {
    const receiver = await fixture.receiving(socket => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const before = fixture.transportOf({ policy: loopback });
    expect(await send(before, receiver.url)).toMatchObject({ statusCode: 204 });
    const after = fixture.transportOf({ policy: strict });
    expect(await send(after, receiver.url)).toMatchObject({ code: 'address_blocked' });
    expect(receiver.requests).toHaveLength(1);
  });

  test('seq-008: proxy variables that a process starts with have no effect, neither for an address nor a name, with or without TLS', async () => {
    const proxy = await fixture.receiving(socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    const receiver = await fixture.receiving(socket => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const overTls = await fixture.receiving(
      () => undefined,
      socket => socket.once('data', () => socket.destroy()),
    );
    const at = `http://127.0.0.1:${proxy.port}`;
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    const outcomes = await sendFromProcess(
      { ...Object.fromEntries(names.map(name => [name, at])), NODE_USE_ENV_PROXY: '1' },
      [receiver.url, `http://localhost:${receiver.port}/`, `https://127.0.0.1:${overTls.port}/`],
    );
    expect(outcomes).toMatchObject([{ statusCode: 204 }, { statusCode: 204 }, { code: 'tls_failed', phase: 'tls' }]);
    expect({ proxied: proxy.connections, direct: receiver.requests.length, tls: overTls.connections }).toEqual({
      proxied: 0,
      direct: 2,
      tls: 1,
    });
  });

  test.each(['http://127.0.0.1/', 'http://127.1/', 'http://2130706433/', 'http://[::1]/'])(
    'seq-009: the literal %s never reaches a resolver',
    async url => {
      const resolve = answering(['93.184.215.14']);
      expect(await send(fixture.transportOf({ policy: strict, resolve }), url)).toMatchObject({
        code: 'address_blocked',
      });
      expect({ asked: resolve.asked, dialled: dialled.count }).toEqual({ asked: [], dialled: 0 });
    },
  );

  test('seq-009: a connection to a literal is judged by itself, whoever asks for it', async () => {
    const receiver = await fixture.receiving(() => undefined);
    const environment = { policy: strict, resolve: answering(['93.184.215.14']), secureContext: createSecureContext() };
    const endpoint = { secure: false, hostname: '127.0.0.1', port: receiver.port };
    const result = await new Promise(done => new SocketOpening(endpoint, environment, done).start());
    expect(result).toMatchObject({ kind: 'failed', code: 'address_blocked' });
    expect({ asked: environment.resolve.asked, dialled: dialled.count }).toEqual({ asked: [], dialled: 0 });
  });

  // Linux connects to this machine when it is told to connect to "any address"; others may not.
  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('a connection that arrives elsewhere than it was sent is closed before a byte is written', async () => {
    let received = 0;
    const receiver = await fixture.receiving(
      () => undefined,
      socket => socket.on('data', () => (received += 1)),
    );
    const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['0.0.0.0/8'] });
    const transport = fixture.transportOf({ policy, resolve: answering(['0.0.0.0']) });
    expect(await send(transport, `http://name.attacker.net:${receiver.port}/`)).toMatchObject({
      code: 'address_blocked',
      phase: 'connect',
    });
    await until(() => receiver.connections === 1);
    await receiver.allClosed();
    expect({ dialled: dialled.count, received }).toEqual({ dialled: 1, received: 0 });
    expect(transport.stats()).toMatchObject({ origins: 0, openConnections: 0, openingConnections: 0 });
  });

  test('seq-010: one private answer of either family blocks the name before anything is dialled', async () => {
    const resolve = answering(['93.184.215.14', '::1']);
    expect(await send(fixture.transportOf({ policy: strict, resolve }), 'https://dual.example.com/')).toMatchObject({
      code: 'address_blocked',
    });
    expect(dialled.count).toBe(0);
  });

  test('seq-013: a blocked address says the same whether something listens there, and shows no address', async () => {
    const receiver = await fixture.receiving(() => undefined);
    const outcomes = await Promise.all(
      [['127.0.0.1'], ['10.0.0.5'], ['169.254.169.254'], ['fd00:ec2::254'], ['93.184.215.14', '127.0.0.1']].flatMap(
        answer =>
          [receiver.port, 8443].map(port =>
            send(
              fixture.transportOf({ policy: strict, resolve: answering(answer) }),
              `https://name.attacker.net:${port}/`,
            ),
          ),
      ),
    );
    const said = new Set(outcomes.map(outcome => JSON.stringify({ ...outcome, durationMs: 0 })));
    expect(said.size).toBe(1);
    expect([...said][0]).not.toMatch(/\d+\.\d+\.\d+\.\d+|fd00/);
    expect({ connections: receiver.connections, dialled: dialled.count }).toEqual({ connections: 0, dialled: 0 });
  });

  test.each([
    'http://127.0.0.1',
    'http://[::1]',
    'http://10.0.0.5',
    'http://169.254.169.254',
    'http://[fd00:ec2::254]',
  ])('seq-013: %s gives the same outcome, at once, whether something listens there', async origin => {
    const receiver = await fixture.receiving(() => undefined);
    const closed = await fixture.receiving(() => undefined);
    await closed.close();
    const transport = fixture.transportOf({ policy: strict });
    const [listening, silent] = await Promise.all([
      send(transport, `${origin}:${receiver.port}/`),
      send(transport, `${origin}:${closed.port}/`),
    ]);
    expect(listening).toEqual(silent);
    expect(listening).toMatchObject({ code: 'address_blocked', phase: 'queued', durationMs: 0 });
    expect({ connections: receiver.connections, dialled: dialled.count }).toEqual({ connections: 0, dialled: 0 });
  });

  test('seq-015: an allowed range is allowed, its neighbours are not', () => {
    const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['10.1.0.0/16'] });
    expect(policy.judgeUrl('http://10.1.2.3/').kind).toBe('allowed');
    expect(policy.judgeUrl('http://10.2.0.1/')).toMatchObject({
      code: 'url_address_not_allowed',
      message: expect.stringContaining('ALLOWED_PRIVATE_RANGES'),
    });
  });

  test.each(['169.254.169.254', '168.63.129.16', '100.100.100.200', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'])(
    'seq-015: a name that leads to the metadata address %s is blocked though every range is allowed',
    async address => {
      const everything = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['0.0.0.0/0', '::/0'] });
      const transport = fixture.transportOf({ policy: everything, resolve: answering([address]) });
      const outcome = await send(transport, 'http://name.attacker.net/');
      expect(outcome).toMatchObject({ code: 'address_blocked', phase: 'dns' });
      expect(dialled.count).toBe(0);
    },
  );
});
