import { describe, expect, test } from '@jest/globals';
import { hideValues, maskHeaders, maskSensitiveHeaders } from './sensitive-headers.ts';

describe('the values of headers', () => {
  const sensitive =
    'Authorization Proxy-Authorization X-Auth x-authentication WWW-Authenticate X-Access-Key X-Api-Key apikey X-Token ' +
    'x-csrf-token Client-Secret X-Password X-Passphrase X-Pass X-Session-Id X-Credentials X-Signature ' +
    'X-Vendor-Signature-256 Cookie Set-Cookie';

  test.each(sensitive.split(' '))('of %s are hidden', name => {
    expect(maskSensitiveHeaders({ [name]: 'a value' })).toEqual({ [name]: '[hidden]' });
  });

  test.each(['X-Tenant', 'Content-Type', 'webhook-id', 'webhook-timestamp', 'User-Agent', 'Location', 'Retry-After'])(
    'of %s are shown',
    name => {
      expect(maskSensitiveHeaders({ [name]: 'a value' })).toEqual({ [name]: 'a value' });
    },
  );

  test('that are named are shown whatever the name sounds like, and are not sought', () => {
    const headers = { 'webhook-signature': 'v1,abcd', 'X-Signature': 'of-the-sender' };
    expect(maskHeaders(headers, ['webhook-signature'])).toEqual({
      headers: { 'webhook-signature': 'v1,abcd', 'X-Signature': '[hidden]' },
      hidden: ['of-the-sender'],
    });
  });
});

describe('hidden values in a text', () => {
  const hide = (headers: Record<string, string>, text: string, isCut = false): string =>
    hideValues(text, maskHeaders(headers, []).hidden, isCut);

  test.each([
    ['the whole value', 'got "Bearer s3cret-token" twice: Bearer s3cret-token', 'got "[hidden]" twice: [hidden]'],
    ['what follows the scheme', 'unknown token s3cret-token.', 'unknown token [hidden].'],
    ['nothing of it', 'unknown token', 'unknown token'],
  ])('%s', (_name, text, shown) => {
    expect(hide({ authorization: 'Bearer s3cret-token', 'x-tenant': 'unknown' }, text)).toBe(shown);
  });

  test('as JSON spells them', () => {
    const value = 'a/b "c" \\d';
    expect(hide({ 'x-token': value }, JSON.stringify({ got: value }))).toBe('{"got":"[hidden]"}');
    expect(hide({ 'x-token': value }, JSON.stringify({ got: value }).replaceAll('/', '\\/'))).toBe(
      '{"got":"[hidden]"}',
    );
  });

  test('one that begins as another: both wholly', () => {
    expect(hide({ 'x-key': 'abcd', 'x-token': 'abcdefgh' }, 'abcdefgh abcd')).toBe('[hidden] [hidden]');
  });

  test('their start where the text was cut, and there alone', () => {
    expect(hide({ 'x-key': 'abcdefgh' }, 'said abcdef', true)).toBe('said [hidden]');
    expect(hide({ 'x-key': 'abcdefgh' }, 'said abcdef')).toBe('said abcdef');
  });

  test('but not those of up to three characters, which stand anywhere', () => {
    expect(hide({ 'x-auth-version': '2' }, '{"order":22}')).toBe('{"order":22}');
  });
});
