import { type DeliveryToAttempt, isInstallationFault } from '@signpost/database';
import { QueueUnavailableError } from '@signpost/queue';
import type { SentRequest } from './attempt-record.ts';

/** Something of ours broke at one delivery; `cause` is what. */
export class DeliveryFault extends Error {
  readonly code = 'delivery_fault';
  readonly delivery: DeliveryToAttempt;
  /** The request that had been made, if one had; nothing is recorded of it. */
  readonly sent: SentRequest | null;
  constructor(cause: unknown, delivery: DeliveryToAttempt, sent: SentRequest | null) {
    super('A delivery broke', { cause });
    this.name = 'DeliveryFault';
    this.delivery = delivery;
    this.sent = sent;
  }
}

/** Whether an error says nothing of the delivery at hand: a store or the system is at fault. */
export function isStoreFault(error: unknown): boolean {
  return error instanceof QueueUnavailableError || isInstallationFault(error);
}
