import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from './address-policy.ts';
import { type ResolvedAddress, type Resolver, resolveChecked } from './resolver.ts';
import { startRawReceiver } from './test-support/raw-receiver.ts';
import { createTransport, type OutgoingRequest } from './transport.ts';

interface Vector {
  readonly id: string;
  readonly url: string;
  readonly verdict: 'allow' | 'deny';
  readonly stage: 'parse' | 'hostname' | 'literal' | 'connect';
  readonly reason: string;
  readonly canonical_host?: string;
  readonly node_canonical_href?: string;
  readonly mock_dns?: readonly string[];
}

const { vectors, policy: listed } = JSON.parse(
  readFileSync(new URL('../test-vectors/ssrf.json', import.meta.url), 'utf8'),
) as {
  vectors: Vector[];
  policy: {
    port_deny: number[];
    hostname_exact_deny: string[];
    hostname_suffix_deny: string[];
    ipv4_deny: { cidr: string }[];
    ipv6_deny: { cidr: string }[];
  };
};

const strict = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [] });
const loopback = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8'] });

const refusalCodes: Record<string, string> = {
  ip_range: 'url_address_not_allowed',
  reserved_hostname: 'url_host_not_allowed',
  single_label_hostname: 'url_host_not_allowed',
  invalid_dns_name: 'url_invalid',
  invalid_url: 'url_invalid',
  backslash: 'url_invalid',
  control_or_space_character: 'url_invalid',
  missing_double_slash_or_host: 'url_invalid',
  userinfo_not_allowed: 'url_credentials_not_allowed',
  scheme_not_allowed: 'url_scheme_not_allowed',
  port_not_allowed: 'url_port_not_allowed',
  url_too_long: 'url_too_long',
};

function answering(...answers: (readonly string[])[]): Resolver & { asked: string[] } {
  const asked: string[] = [];
  const resolve = async (hostname: string): Promise<ResolvedAddress[]> => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    return answer.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
}

function requestTo(url: string): OutgoingRequest {
  return {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{}'),
    timeoutMs: 2_000,
  };
}

// Every socket that Node opens announces itself here: proof that nothing was dialled.
let dialled = 0;
const onSocket = (): void => {
  dialled += 1;
};
beforeEach(() => {
  dialled = 0;
  diagnostics.subscribe('net.client.socket', onSocket);
});
afterEach(() => {
  diagnostics.unsubscribe('net.client.socket', onSocket);
});

describe('every vector', () => {
  test('the vectors are all here', () => {
    expect(vectors.length).toBe(170);
  });

  test.each(vectors.filter(vector => vector.verdict === 'deny' && vector.stage !== 'connect'))(
    '$id is refused without asking a name server or dialling: $url',
    async ({ url, reason }) => {
      const verdict = strict.judgeUrl(url);
      expect(verdict).toMatchObject({ kind: 'refused', code: refusalCodes[reason.split(' ')[0] ?? ''] });
      const resolve = answering(['93.184.215.14']);
      const outcome = await createTransport({ policy: strict, resolve }).send(requestTo(url));
      expect(outcome).toMatchObject({
        kind: 'no_response',
        requestSent: false,
        code: expect.stringMatching(/^(address_blocked|url_invalid)$/),
      });
      expect({ asked: resolve.asked, dialled }).toEqual({ asked: [], dialled: 0 });
    },
  );

  test.each(vectors.filter(vector => vector.verdict === 'deny' && vector.stage === 'connect'))(
    '$id passes as a URL and is blocked when it resolves: $url to $mock_dns',
    async ({ url, mock_dns = [] }) => {
      expect(strict.judgeUrl(url).kind).toBe('allowed');
      const resolve = answering(mock_dns);
      const outcome = await createTransport({ policy: strict, resolve }).send(requestTo(url));
      expect(outcome).toMatchObject({ kind: 'no_response', code: 'address_blocked', requestSent: false });
      expect({ asked: resolve.asked.length, dialled }).toEqual({ asked: 1, dialled: 0 });
    },
  );

  test.each(vectors.filter(vector => vector.verdict === 'allow'))('$id is allowed: $url', async vector => {
    const verdict = strict.judgeUrl(vector.url);
    if (verdict.kind === 'refused') throw new Error(verdict.message);
    expect(verdict.url.href).toBe(vector.node_canonical_href);
    expect(verdict.url.hostname).toBe(vector.canonical_host);
    if (vector.stage === 'literal') {
      expect(strict.isAllowedAddress(verdict.url.hostname.replace(/^\[|\]$/g, ''))).toBe(true);
    } else {
      const answer = await resolveChecked(verdict.url.hostname, answering(vector.mock_dns ?? []), strict);
      expect(answer).toMatchObject({ kind: 'addresses' });
    }
  });

  test('http is refused where only https is allowed, and the setting is named', () => {
    const httpsOnly = createAddressPolicy({ allowHttp: false, allowedPrivateRanges: [] });
    for (const { url } of vectors.filter(vector => vector.verdict === 'allow')) {
      const verdict = httpsOnly.judgeUrl(url);
      if (/^https/i.test(url)) expect(verdict.kind).toBe('allowed');
      else
        expect(verdict).toMatchObject({
          code: 'url_http_not_allowed',
          message: expect.stringContaining('ALLOW_HTTP_URLS'),
        });
    }
  });

  test.each(listed.port_deny)('port %i is refused', port => {
    expect(strict.judgeUrl(`http://example.com:${port}/`)).toMatchObject({ code: 'url_port_not_allowed' });
  });

  test.each([
    ...listed.hostname_exact_deny,
    ...listed.hostname_suffix_deny.flatMap(suffix => [suffix, `a.${suffix}`, `A.${suffix.toUpperCase()}.`]),
  ])('host name %s is refused', host => {
    expect(strict.judgeUrl(`https://${host}/`)).toMatchObject({ code: 'url_host_not_allowed' });
  });

  test.each([...listed.ipv4_deny, ...listed.ipv6_deny].filter(({ cidr }) => cidr.includes('/')))(
    'block $cidr is refused at its first address',
    ({ cidr }) => {
      expect(strict.isAllowedAddress(cidr.split('/')[0] ?? '')).toBe(false);
    },
  );
});

describe('sequences', () => {
  test('seq-001: a name that was public when the webhook was made is blocked when it has become private', async () => {
    const resolve = answering(['93.184.215.14'], ['127.0.0.1']);
    expect(await resolveChecked('rebind.attacker.net', resolve, strict)).toMatchObject({ kind: 'addresses' });
    const outcome = await createTransport({ policy: strict, resolve }).send(requestTo('https://rebind.attacker.net/'));
    expect(outcome).toMatchObject({ code: 'address_blocked', requestSent: false });
    expect(dialled).toBe(0);
  });

  test('seq-002: a connection takes one lookup, and goes to the address that was checked', async () => {
    const receiver = await startRawReceiver(socket => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    const resolve = answering(['127.0.0.1'], ['10.0.0.1']);
    const transport = createTransport({ policy: loopback, resolve });
    const outcome = await transport.send(requestTo(`http://rebind.attacker.net:${receiver.port}/`));
    expect(outcome).toMatchObject({ kind: 'response', statusCode: 204 });
    expect(resolve.asked).toEqual(['rebind.attacker.net']);
    expect(dialled).toBe(1);
    await transport.close();
    await receiver.close();
  });

  test.each([301, 302, 303, 307, 308])('seq-003 to seq-005: a %i is reported and not followed', async statusCode => {
    const receiver = await startRawReceiver((socket, request) =>
      socket.write(
        `HTTP/1.1 ${statusCode} Moved\r\nlocation: http://127.0.0.1:${receiver.port}/other\r\nrefresh: 0;url=/${request.body}\r\ncontent-length: 0\r\n\r\n`,
      ),
    );
    const transport = createTransport({ policy: loopback });
    const outcome = await transport.send(requestTo(receiver.url));
    await transport.close();
    expect(outcome).toMatchObject({
      kind: 'response',
      statusCode,
      headers: { location: expect.stringContaining('/other') },
    });
    expect(receiver.requests).toHaveLength(1);
    await receiver.close();
  });

  test('seq-006: Refresh and Location of a 200 are ignored', async () => {
    const receiver = await startRawReceiver(socket =>
      socket.write(
        'HTTP/1.1 200 OK\r\nrefresh: 0;url=http://127.0.0.1/\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n',
      ),
    );
    const transport = createTransport({ policy: loopback });
    expect(await transport.send(requestTo(receiver.url))).toMatchObject({ kind: 'response', statusCode: 200 });
    await transport.close();
    expect(receiver.requests).toHaveLength(1);
    await receiver.close();
  });

  test('seq-007: a stricter policy is another transport and shares no connection', async () => {
    const receiver = await startRawReceiver(socket => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const before = createTransport({ policy: loopback });
    expect(await before.send(requestTo(receiver.url))).toMatchObject({ statusCode: 204 });
    const after = createTransport({ policy: strict });
    expect(await after.send(requestTo(receiver.url))).toMatchObject({ code: 'address_blocked' });
    await before.close();
    expect(receiver.requests).toHaveLength(1);
    await receiver.close();
  });

  test('seq-008: proxy variables have no effect', async () => {
    const proxy = await startRawReceiver(socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    const receiver = await startRawReceiver(socket => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const names = [
      'HTTP_PROXY',
      'http_proxy',
      'HTTPS_PROXY',
      'https_proxy',
      'ALL_PROXY',
      'all_proxy',
      'NODE_USE_ENV_PROXY',
    ];
    const before = names.map(name => process.env[name]);
    for (const name of names)
      process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${proxy.port}`;
    const transport = createTransport({ policy: loopback });
    const outcome = await transport.send(requestTo(receiver.url));
    names.forEach((name, index) => {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    });
    await transport.close();
    expect(outcome).toMatchObject({ statusCode: 204 });
    expect(proxy.connections).toBe(0);
    await Promise.all([proxy.close(), receiver.close()]);
  });

  test.each(['http://127.0.0.1/', 'http://127.1/', 'http://2130706433/', 'http://[::1]/'])(
    'seq-009: the literal %s never reaches a resolver',
    async url => {
      const resolve = answering(['93.184.215.14']);
      expect(await createTransport({ policy: strict, resolve }).send(requestTo(url))).toMatchObject({
        code: 'address_blocked',
      });
      expect({ asked: resolve.asked, dialled }).toEqual({ asked: [], dialled: 0 });
    },
  );

  test('seq-010: one private answer of either family blocks the name before anything is dialled', async () => {
    const resolve = answering(['93.184.215.14', '::1']);
    expect(
      await createTransport({ policy: strict, resolve }).send(requestTo('https://dual.example.com/')),
    ).toMatchObject({ code: 'address_blocked' });
    expect(dialled).toBe(0);
  });

  test('seq-013: a blocked address says the same whether something listens there, and shows no address', async () => {
    const receiver = await startRawReceiver(() => undefined);
    const outcomes = await Promise.all(
      [['127.0.0.1'], ['10.0.0.5'], ['169.254.169.254'], ['fd00:ec2::254'], ['93.184.215.14', '127.0.0.1']].flatMap(
        answer =>
          [receiver.port, 8443].map(port =>
            createTransport({ policy: strict, resolve: answering(answer) }).send(
              requestTo(`https://name.attacker.net:${port}/`),
            ),
          ),
      ),
    );
    const said = new Set(outcomes.map(outcome => JSON.stringify({ ...outcome, durationMs: 0 })));
    expect(said.size).toBe(1);
    expect([...said][0]).not.toMatch(/\d+\.\d+\.\d+\.\d+|fd00/);
    expect({ connections: receiver.connections, dialled }).toEqual({ connections: 0, dialled: 0 });
    await receiver.close();
  });

  test('seq-015: an allowed range is allowed, its neighbours are not', () => {
    const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['10.1.0.0/16'] });
    expect(policy.judgeUrl('http://10.1.2.3/').kind).toBe('allowed');
    expect(policy.judgeUrl('http://10.2.0.1/')).toMatchObject({
      code: 'url_address_not_allowed',
      message: expect.stringContaining('ALLOWED_PRIVATE_RANGES'),
    });
  });
});

describe('allowed private ranges', () => {
  const everything = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['0.0.0.0/0', '::/0'] });

  test.each([
    '169.254.169.254',
    '169.254.170.2',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a83f:8110',
    '::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::ffff:0:169.254.169.254',
  ])('the metadata address %s stays refused though everything is allowed', ip => {
    expect(everything.isAllowedAddress(ip)).toBe(false);
  });

  test.each(['169.254.169.254', '169.254.0.0/16', 'fd00:ec2::254/128', '168.63.129.16/32'])(
    'the range %s is refused at start',
    range => {
      expect(() => createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [range] })).toThrow(
        /ALLOWED_PRIVATE_RANGES.*never allowed/,
      );
    },
  );

  test.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    'localhost',
    '',
    'fe80::1%eth0/64',
    '10.0.0.0/8/8',
    '::/129',
    '10.0.0.0/-1',
  ])('"%s" is not a range', range => {
    expect(() => createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [range] })).toThrow(
      /is not a CIDR block/,
    );
  });

  test('loopback brings the names of this machine, and any port that is not denied', () => {
    expect(loopback.judgeUrl('http://localhost:4242/hook').kind).toBe('allowed');
    expect(loopback.judgeUrl('http://app.localhost:1024/').kind).toBe('allowed');
    expect(loopback.judgeUrl('http://localhost:5432/')).toMatchObject({ code: 'url_port_not_allowed' });
  });

  test('a private range brings the names of a private network, but neither loopback nor metadata names', () => {
    const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['10.0.0.0/8'] });
    for (const host of ['receiver', 'receiver.internal', 'host.docker.internal', 'a.svc.cluster.local', 'nas.lan']) {
      expect(policy.judgeUrl(`http://${host}:8080/`).kind).toBe('allowed');
    }
    for (const host of ['localhost', 'metadata', 'metadata.google.internal', 'kubernetes', 'x.onion']) {
      expect(policy.judgeUrl(`http://${host}:8080/`)).toMatchObject({ code: 'url_host_not_allowed' });
    }
  });

  test('an IPv4-mapped spelling of an allowed address is that address', () => {
    expect(loopback.isAllowedAddress('::ffff:127.0.0.1')).toBe(true);
    expect(loopback.isAllowedAddress('::ffff:10.0.0.1')).toBe(false);
    expect(strict.isAllowedAddress('::ffff:8.8.8.8')).toBe(false);
  });

  test('what is not an address is refused', () => {
    for (const text of ['', 'localhost', '127.1', '1.2.3.4.5', 'fe80::1%lo', '[::1]'])
      expect(everything.isAllowedAddress(text)).toBe(false);
  });
});
