import type { Database } from '@signpost/database';
import type { Clock, Logger } from '@signpost/runtime';
import type { AccessRegistry } from './access/access-registry.ts';
import type { RateLimiter } from './middleware/rate-limit.ts';
import type { RequestMetrics } from './middleware/request-metrics.ts';

/** What the routes work with. Built and closed by main.ts; creating an app opens nothing. */
export interface ApiDependencies {
  readonly database: Database;
  readonly access: AccessRegistry;
  readonly rateLimiter: RateLimiter;
  readonly metrics: RequestMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}
