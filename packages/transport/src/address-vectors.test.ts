import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createAddressPolicy } from './address-policy.ts';
import { resolveChecked } from './resolver.ts';
import { answering, countDials } from './test-support/lookups.ts';
import { send, useTransports, whatHappenedAndWhatToDo } from './test-support/transport-fixture.ts';

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
/** As far as settings go. */
const lenient = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['0.0.0.0/0', '::/0'] });
const fixture = useTransports();
const dialled = countDials();

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

describe('every vector', () => {
  test('the vectors are all here', () => {
    expect(vectors.length).toBe(170);
  });

  test.each(vectors.filter(vector => vector.verdict === 'deny' && vector.stage !== 'connect'))(
    '$id is refused without asking a name server or dialling: $url',
    async ({ url, reason }) => {
      const verdict = strict.judgeUrl(url);
      expect(verdict).toMatchObject({ kind: 'refused', code: refusalCodes[reason.split(' ')[0] ?? ''] });
      if (verdict.kind === 'allowed') throw new Error('allowed');
      expect(verdict.message).toMatch(whatHappenedAndWhatToDo);
      const namesSetting = /ALLOWED_PRIVATE_RANGES|ALLOW_HTTP_URLS/.test(verdict.message);
      expect(namesSetting).toBe(lenient.judgeUrl(url).kind === 'allowed');
      const resolve = answering(['93.184.215.14']);
      const outcome = await send(fixture.transportOf({ policy: strict, resolve }), url);
      expect(outcome).toMatchObject({
        kind: 'no_response',
        phase: 'queued',
        code: expect.stringMatching(/^(address_blocked|url_invalid)$/),
      });
      expect({ asked: resolve.asked, dialled: dialled.count }).toEqual({ asked: [], dialled: 0 });
    },
  );

  test.each(vectors.filter(vector => vector.verdict === 'deny' && vector.stage === 'connect'))(
    '$id passes as a URL and is blocked when it resolves: $url to $mock_dns',
    async ({ url, mock_dns = [] }) => {
      expect(strict.judgeUrl(url).kind).toBe('allowed');
      const resolve = answering(mock_dns);
      const outcome = await send(fixture.transportOf({ policy: strict, resolve }), url);
      expect(outcome).toMatchObject({
        kind: 'no_response',
        code: 'address_blocked',
        phase: 'dns',
        message: expect.stringContaining('ALLOWED_PRIVATE_RANGES'),
      });
      expect({ asked: resolve.asked.length, dialled: dialled.count }).toEqual({ asked: 1, dialled: 0 });
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
