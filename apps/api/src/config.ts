import { isEncryptionKeys, logLevels, type SettingValues } from '@signpost/runtime';
import { z } from 'zod';

const addressRange = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], {
  error: 'must be CIDRs or addresses, separated by commas',
});

const text = z.string({ error: 'must be set' });
const port = z.coerce.number({ error: 'must be a port' }).int().min(0).max(65_535);
const minKeyLength = 32;
/** What can stand in an Authorization header, but for the colon between the two parts of KEY_ID:KEY_SECRET. */
const key = text
  .min(minKeyLength, `must have at least ${minKeyLength} characters`)
  .regex(/^[A-Za-z0-9._~+/-]*=*$/, 'must be letters, digits and -._~+/');

/** The API's settings; `--help` and docs/configuration.md come from here. */
export const apiSettings = {
  DATABASE_URL: {
    schema: text.regex(/^postgres(ql)?:\/\//, 'must start with postgresql://'),
    description: 'Postgres 14 or newer: postgresql://user:password@host:5432/signpost.',
    requiredInProduction: true,
  },
  REDIS_URL: {
    schema: text.regex(/^rediss?:\/\//, 'must start with redis:// or rediss://'),
    description: 'Redis or Valkey, 6.2 or newer, with maxmemory-policy noeviction: redis://host:6379.',
    requiredInProduction: true,
  },
  ENCRYPTION_KEY: {
    schema: text.refine(isEncryptionKeys, 'must be 32 bytes in base64'),
    description:
      'Encrypts webhook secrets at rest: 32 bytes in base64 (`openssl rand -base64 32`). Several, separated by commas: the first encrypts, all decrypt.',
    requiredInProduction: true,
  },
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
  PORT: { schema: port.default(3000), description: 'Port of the API; 0 takes a free one.', defaultText: '3000' },
  HOST: {
    schema: text.optional(),
    description: 'Address that the API listens on.',
    defaultText: '0.0.0.0 in production, else 127.0.0.1',
  },
  INTERNAL_PORT: {
    schema: port.optional(),
    description:
      'Serves /health/live, /health/ready and /metrics on this port instead. Not set: they are on PORT, without a key.',
    defaultText: 'on PORT',
  },
  ALLOW_HTTP_URLS: {
    schema: z.stringbool({ error: 'must be true or false' }).default(false),
    description: 'Whether webhooks may have http:// URLs. For development.',
    defaultText: 'false',
  },
  ALLOWED_PRIVATE_RANGES: {
    schema: z.string().default(''),
    description:
      'CIDRs, separated by commas, that deliveries may reach although they are private: 10.1.0.0/16,fd00::/8.',
    defaultText: 'none',
  },
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
  LOG_LEVEL: {
    schema: z.enum(logLevels).default('info'),
    description: `One of ${logLevels.join(', ')}.`,
    defaultText: 'info',
  },
  NODE_ENV: {
    schema: z.enum(['production', 'development', 'test']).default('development'),
    description: 'production: a missing or weak value stops the start.',
    defaultText: 'development',
  },
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
