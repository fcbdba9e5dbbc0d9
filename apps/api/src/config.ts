import { portSchema, type SettingValues, sharedSettings } from '@signpost/runtime';
import { z } from 'zod';

const addressRange = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], {
  error: 'must be CIDRs or addresses, separated by commas',
});

const text = z.string({ error: 'must be set' });
const minKeyLength = 32;
/** What can stand in an Authorization header, but for the colon between the two parts of KEY_ID:KEY_SECRET. */
const key = text
  .min(minKeyLength, `must have at least ${minKeyLength} characters`)
  .regex(/^[A-Za-z0-9._~+/-]*=*$/, 'must be letters, digits and -._~+/');

/** The API's settings; `--help` and docs/configuration.md come from here. */
export const apiSettings = {
  DATABASE_URL: sharedSettings.DATABASE_URL,
  REDIS_URL: sharedSettings.REDIS_URL,
  ENCRYPTION_KEY: sharedSettings.ENCRYPTION_KEY,
  ADMIN_API_KEY: {
    schema: key.optional(),
    description:
      'The instance key: creates workspaces and may do everything in each. At least 32 characters (`openssl rand -hex 32`). Production needs it or SIGNPOST_API_KEY.',
    defaultText: 'none',
  },
  SIGNPOST_API_KEY: {
    schema: key.optional(),
    description:
      'Secret of an API key that is made at start, with the scope admin, in the workspace `default`. At least 32 characters.',
    defaultText: 'none',
  },
  PORT: { schema: portSchema.default(3000), description: 'Port of the API; 0 takes a free one.', defaultText: '3000' },
  HOST: {
    schema: text.optional(),
    description: 'Address that the API listens on.',
    defaultText: '0.0.0.0 in production, else 127.0.0.1',
  },
  INTERNAL_PORT: sharedSettings.INTERNAL_PORT,
  INTERNAL_HOST: sharedSettings.INTERNAL_HOST,
  METRICS_OPEN: {
    schema: z.stringbool({ error: 'must be true or false' }).default(false),
    description: 'Whether /metrics on PORT needs no key; else it needs the instance key. For development.',
    defaultText: 'false',
  },
  ALLOW_HTTP_URLS: sharedSettings.ALLOW_HTTP_URLS,
  ALLOWED_PRIVATE_RANGES: sharedSettings.ALLOWED_PRIVATE_RANGES,
  TRUSTED_PROXIES: {
    schema: z
      .string()
      .default('')
      .transform(list => list.split(',').flatMap(range => range.trim() || []))
      .pipe(z.array(addressRange)),
    description:
      'CIDRs, separated by commas, of the proxies in front of the API, whose X-Forwarded-For is believed: 10.2.0.0/16. The audit log takes addresses from there.',
    defaultText: 'none',
  },
  RATE_LIMIT_PER_MINUTE: {
    schema: z.coerce.number({ error: 'must be a number' }).int().min(0).default(600_000),
    description: 'Requests of one key in a minute, at one API process; 0 turns the limit off.',
    defaultText: '600000',
  },
  LOG_LEVEL: sharedSettings.LOG_LEVEL,
  NODE_ENV: sharedSettings.NODE_ENV,
};

export type ApiConfig = SettingValues<typeof apiSettings>;

/** What no single setting shows. @returns a sentence that says what to set, or null */
export function findConfigFault(config: ApiConfig): string | null {
  if (config.NODE_ENV !== 'production') return null;
  if (config.ADMIN_API_KEY !== undefined || config.SIGNPOST_API_KEY !== undefined) return null;
  return 'ADMIN_API_KEY or SIGNPOST_API_KEY must be set in production: without a key nobody can call the API.';
}

export function listenAddress({ HOST, NODE_ENV }: ApiConfig): string {
  return HOST ?? (NODE_ENV === 'production' ? '0.0.0.0' : '127.0.0.1');
}
