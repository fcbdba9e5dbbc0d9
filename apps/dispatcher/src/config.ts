import { type SettingValues, sharedSettings } from '@signpost/runtime';
import { z } from 'zod';

const wholeNumber = (fallback: number, least: number, most: number) =>
  z.coerce.number({ error: 'must be a number' }).int().min(least).max(most).default(fallback);

/** The dispatcher's settings; `--help` and docs/configuration.md come from here. */
export const dispatcherSettings = {
  DATABASE_URL: sharedSettings.DATABASE_URL,
  REDIS_URL: sharedSettings.REDIS_URL,
  ENCRYPTION_KEY: sharedSettings.ENCRYPTION_KEY,
  ALLOW_HTTP_URLS: sharedSettings.ALLOW_HTTP_URLS,
  ALLOWED_PRIVATE_RANGES: sharedSettings.ALLOWED_PRIVATE_RANGES,
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
  STOP_GRACE_MS: {
    schema: wholeNumber(31_000, 1000, 600_000),
    description:
      'How long a dispatcher that is asked to stop waits for attempts under way, in ms. Those that take longer are cut and made again by another.',
    defaultText: '31000',
  },
  REPAIR_INTERVAL_MS: {
    schema: wholeNumber(2000, 50, 60_000),
    description: 'How often one of the dispatchers looks for work that lost its job, in ms.',
    defaultText: '2000',
  },
  RETENTION_DAYS: {
    schema: wholeNumber(30, 1, 3650),
    description:
      'Events, deliveries and attempts older than this are dropped, a day at a time; a day with work that is not done stays until it is.',
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
  INTERNAL_PORT: sharedSettings.INTERNAL_PORT,
  INTERNAL_HOST: sharedSettings.INTERNAL_HOST,
  LOG_LEVEL: sharedSettings.LOG_LEVEL,
  NODE_ENV: sharedSettings.NODE_ENV,
};

export type DispatcherConfig = SettingValues<typeof dispatcherSettings>;
