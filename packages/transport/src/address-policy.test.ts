import { describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from './address-policy.ts';

const strict = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [] });
const loopback = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8'] });

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
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    'fe80::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '::ffff:169.254.169.254',
    '::ffff:a83f:8110',
    '::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::ffff:0:169.254.169.254',
  ])('the metadata address %s stays refused though everything is allowed', ip => {
    expect(everything.isAllowedAddress(ip)).toBe(false);
    const host = ip.includes(':') ? `[${ip}]` : ip;
    const verdict = everything.judgeUrl(`http://${host}/`);
    expect(verdict).toMatchObject({ code: 'url_address_not_allowed' });
    expect(verdict).toEqual(strict.judgeUrl(`http://${host}/`));
    // Nothing allows it, so that no setting is named.
    expect(verdict).toMatchObject({ message: expect.stringContaining('no setting allows it') });
    expect(verdict).toMatchObject({ message: expect.not.stringMatching(/ALLOWED_PRIVATE_RANGES|ALLOW_HTTP_URLS/) });
  });

  test.each([
    ['http://10.0.0.1/', 'ALLOWED_PRIVATE_RANGES'],
    ['http://[fd12::1]/', 'ALLOWED_PRIVATE_RANGES'],
    ['http://127.0.0.1/', 'ALLOWED_PRIVATE_RANGES'],
    ['http://localhost/', 'ALLOWED_PRIVATE_RANGES'],
    ['http://receiver/', 'ALLOWED_PRIVATE_RANGES'],
    ['http://receiver.internal/', 'ALLOWED_PRIVATE_RANGES'],
    ['http://hooks.example.com/', 'ALLOW_HTTP_URLS'],
  ])('the refusal of %s names %s, and that setting allows it', (url, setting) => {
    const none = createAddressPolicy({ allowHttp: setting !== 'ALLOW_HTTP_URLS', allowedPrivateRanges: [] });
    expect(none.judgeUrl(url)).toMatchObject({ kind: 'refused', message: expect.stringContaining(setting) });
    expect(everything.judgeUrl(url).kind).toBe('allowed');
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
