import { isEncryptionKeys, logLevels, type SettingValues } from '@signpost/runtime';
import { z } from 'zod';

const wholeNumber = (fallback: number, least: number, most: number) =>
  z.coerce.number({ error: 'must be a number' }).int().min(least).max(most).default(fallback);

/** The dispatcher's settings; `--help` and docs/configuration.md come from here. */
export const dispatcherSettings = {
  DATABASE_URL: {
    schema: z.string({ error: 'must be set' }).regex(/^postgres(ql)?:\/\//, 'must start with postgresql://'),
    description: 'Postgres 14 or newer: postgresql://user:password@host:5432/signpost.',
    requiredInProduction: true,
  },
  REDIS_URL: {
    schema: z.string({ error: 'must be set' }).regex(/^rediss?:\/\//, 'must start with redis:// or rediss://'),
    description: 'Redis or Valkey, 6.2 or newer, with maxmemory-policy noeviction: redis://host:6379.',
    requiredInProduction: true,
  },
  ENCRYPTION_KEY: {
    schema: z.string({ error: 'must be set' }).refine(isEncryptionKeys, 'must be 32 bytes in base64'),
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
  DISPATCHER_CONCURRENCY: {
    schema: wholeNumber(512, 1, 5000),
    description: 'Attempts that one dispatcher makes at the same time.',
    defaultText: '512',
  },
  DATABASE_CONNECTIONS: {
    schema: wholeNumber(6, 2, 100),
    description: 'Connections to Postgres that one dispatcher keeps for its hot path; up to 3 more serve repair.',
    defaultText: '6',
  },
  LEASE_MS: {
    schema: wholeNumber(15_000, 1000, 600_000),
    description:
      'When a dispatcher dies, what it was doing is taken up by another after about this long, in ms. A live dispatcher renews its lease.',
    defaultText: '15000',
  },
  REPAIR_INTERVAL_MS: {
    schema: wholeNumber(2000, 50, 60_000),
    description: 'How often one of the dispatchers looks for work that lost its job, in ms.',
    defaultText: '2000',
  },
  RETENTION_DAYS: {
    schema: wholeNumber(30, 1, 3650),
    description: 'Events, deliveries and attempts older than this are dropped, a day at a time.',
    defaultText: '30',
  },
  IDEMPOTENCY_HOURS: {
    schema: wholeNumber(72, 1, 24 * 365),
    description: 'How long an idempotency key is remembered.',
    defaultText: '72',
  },
  AUDIT_LOG_DAYS: {
    schema: wholeNumber(400, 1, 36_500),
    description: 'Entries of the audit log older than this are deleted.',
    defaultText: '400',
  },
  INTERNAL_PORT: {
    schema: z.coerce.number({ error: 'must be a port' }).int().min(0).max(65_535).optional(),
    description: 'Serves /health/live, /health/ready and /metrics on this port. Not set: not served.',
    defaultText: 'not served',
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

export type DispatcherConfig = SettingValues<typeof dispatcherSettings>;
