import { StartFailure } from './start-failure.ts';

const SCHEMES = {
  DATABASE_URL: { pattern: /^postgres(ql)?:\/\//, text: 'postgresql://' },
  REDIS_URL: { pattern: /^rediss?:\/\//, text: 'redis:// or rediss://' },
} as const;

/**
 * The URL of a store that is there already; undefined where none is given. The value is not shown: it holds a password.
 *
 * @throws {StartFailure} if it has another scheme
 */
export function givenStoreUrl(name: keyof typeof SCHEMES, given: string | undefined): string | undefined {
  if (given === undefined || given === '') return undefined;
  const { pattern, text } = SCHEMES[name];
  if (!pattern.test(given)) throw new StartFailure(`${name} must start with ${text}`);
  return given;
}

/** Its host for a sentence, without the password that a URL holds; the setting's name where it cannot be read. */
export function hostOfDatabase(databaseUrl: string): string {
  return (URL.canParse(databaseUrl) && new URL(databaseUrl).host) || 'the address of DATABASE_URL';
}
