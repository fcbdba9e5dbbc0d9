import { portSchema, type SettingValues, sharedSettings } from '@signpost/runtime';
import { z } from 'zod';

/** The queue page's settings; `--help` and docs/configuration.md come from here. */
export const queuePageSettings = {
  REDIS_URL: sharedSettings.REDIS_URL,
  PORT: {
    schema: portSchema.default(3002),
    description: 'Port of the queue page; 0 takes a free one.',
    defaultText: '3002',
  },
  HOST: {
    schema: z.string().default('127.0.0.1'),
    description: 'Address that the queue page listens on. One that others can reach needs QUEUE_PAGE_PASSWORD.',
    defaultText: '127.0.0.1',
  },
  QUEUE_PAGE_PASSWORD: {
    schema: z.string().min(16, 'must have at least 16 characters').optional(),
    description: 'Asked for by the browser, with any user name. Without it the page answers this machine alone.',
    defaultText: 'none',
  },
  LOG_LEVEL: sharedSettings.LOG_LEVEL,
  NODE_ENV: sharedSettings.NODE_ENV,
};

export type QueuePageConfig = SettingValues<typeof queuePageSettings>;

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '::1']);

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return loopbackHosts.has(host);
}

/** What single values do not show. @returns what to change, or null */
export function findConfigFault({ HOST, QUEUE_PAGE_PASSWORD }: QueuePageConfig): string | null {
  if (isLoopback(HOST) || QUEUE_PAGE_PASSWORD !== undefined) return null;
  return `HOST is ${HOST}, which others can reach: set QUEUE_PAGE_PASSWORD to at least 16 characters, or HOST to 127.0.0.1.`;
}
