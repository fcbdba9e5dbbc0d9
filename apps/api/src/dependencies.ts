import type { Database } from '@signpost/database';
import type { JobProducer } from '@signpost/queue';
import type { Clock, Encryption, Logger } from '@signpost/runtime';
import type { AddressPolicy } from '@signpost/transport';
import type { AccessRegistry } from './access/access-registry.ts';
import type { LoopGuard } from './access/loop-guard.ts';
import type { FindClientAddress } from './access/client-address.ts';
import type { ContractRegistry } from './contracts/contract-registry.ts';
import type { EventCatalogue } from './event-catalogue/event-catalogue.ts';
import type { RateLimiter } from './middleware/rate-limit.ts';
import type { RequestMetrics } from './middleware/request-metrics.ts';
import type { Publisher } from './publishing/publisher.ts';

/** What the routes work with. Built and closed by main.ts; creating an app opens nothing. */
export interface ApiDependencies {
  readonly database: Database;
  readonly producer: JobProducer;
  readonly publisher: Publisher;
  readonly encryption: Encryption;
  readonly addressPolicy: AddressPolicy;
  /** Contracts may ask for HTTPS in production alone. */
  readonly production: boolean;
  readonly access: AccessRegistry;
  readonly loopGuard: LoopGuard;
  readonly findClientAddress: FindClientAddress;
  readonly contracts: ContractRegistry;
  readonly eventCatalogue: EventCatalogue;
  readonly rateLimiter: RateLimiter;
  readonly metrics: RequestMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}
