import { z } from 'zod';
import { isEncryptionKeys } from './encryption.ts';
import { logLevels } from './logging.ts';

const text = z.string({ error: 'must be set' });

/** A TCP port; 0 takes a free one. */
export const portSchema = z.coerce.number({ error: 'must be a port' }).int().min(0).max(65_535);

/** Settings that more than one app reads, declared once: the same name means the same everywhere. */
export const sharedSettings = {
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
  INTERNAL_PORT: {
    schema: portSchema.optional(),
    description:
      'Serves /health/live, /health/ready and /metrics on this port, without a key. The API then has no /metrics on PORT.',
    defaultText: 'none',
  },
  INTERNAL_HOST: {
    schema: text.default('127.0.0.1'),
    description: 'Address that INTERNAL_PORT listens on. Whoever reaches it needs no key.',
    defaultText: '127.0.0.1',
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
} as const;
