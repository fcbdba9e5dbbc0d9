import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { readSettings } from '@signpost/runtime';
import { apiSettings, findConfigFault, listenAddress } from './config.ts';

const complete = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://db/signpost',
  REDIS_URL: 'redis://redis',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  ADMIN_API_KEY: 'a'.repeat(32),
};
const read = (env: Record<string, string | undefined>) => readSettings(apiSettings, { ...complete, ...env });

test('in production, a missing or weak value is named in a sentence', () => {
  const cases: [env: Record<string, string | undefined>, sentence: RegExp][] = [
    [{ DATABASE_URL: undefined }, /^DATABASE_URL must be set in production/],
    [{ DATABASE_URL: 'mysql://db' }, /^DATABASE_URL: must start with postgresql/],
    [{ REDIS_URL: '' }, /^REDIS_URL must be set in production/],
    [{ ENCRYPTION_KEY: undefined }, /^ENCRYPTION_KEY must be set in production/],
    [{ ENCRYPTION_KEY: 'c2hvcnQ=' }, /^ENCRYPTION_KEY: must be 32 bytes in base64/],
    [{ SIGNPOST_API_KEY: 'short' }, /^SIGNPOST_API_KEY: must have at least 32 characters/],
    [{ ADMIN_API_KEY: 'short' }, /^ADMIN_API_KEY: must have at least 32 characters/],
    [{ ADMIN_API_KEY: `${'a'.repeat(32)}$` }, /^ADMIN_API_KEY: must be letters, digits/],
    [{ PORT: 'http' }, /^PORT: must be a port/],
    [{ TRUSTED_PROXIES: '10.2.0.0/16, proxy' }, /^TRUSTED_PROXIES: must be CIDRs or addresses/],
    [{ TRUSTED_PROXIES: '10.2.0.0/33' }, /^TRUSTED_PROXIES: must be CIDRs or addresses/],
    [{ RATE_LIMIT_PER_MINUTE: 'many' }, /^RATE_LIMIT_PER_MINUTE: must be a number/],
  ];
  for (const [env, sentence] of cases) expect(() => read(env)).toThrow(sentence);
});

test('trusted proxies are CIDRs or single addresses of both families; none unless told', () => {
  expect(read({}).TRUSTED_PROXIES).toEqual([]);
  expect(read({ TRUSTED_PROXIES: ' 10.2.0.0/16,192.0.2.1, 2001:db8::/32,::1' }).TRUSTED_PROXIES).toEqual([
    '10.2.0.0/16',
    '192.0.2.1',
    '2001:db8::/32',
    '::1',
  ]);
});

test('production wants a key of some kind; development does not', () => {
  expect(findConfigFault(read({}))).toBeNull();
  expect(findConfigFault(read({ ADMIN_API_KEY: undefined, SIGNPOST_API_KEY: 'b'.repeat(32) }))).toBeNull();
  expect(findConfigFault(read({ ADMIN_API_KEY: undefined }))).toMatch(/must be set in production/);
  expect(findConfigFault(read({ ADMIN_API_KEY: undefined, NODE_ENV: 'development' }))).toBeNull();
});

test('the API listens everywhere in production, on this machine alone elsewhere, and where it is told', () => {
  expect(listenAddress(read({}))).toBe('0.0.0.0');
  expect(listenAddress(read({ NODE_ENV: undefined }))).toBe('127.0.0.1');
  expect(listenAddress(read({ HOST: '10.0.0.7' }))).toBe('10.0.0.7');
});
