import {
  type Database,
  type EventToFanOut,
  insertDeliveries,
  isInstallationFault,
  loadEventsToFanOut,
  loadSubscribedWebhooks,
  markFannedOut,
  type NewDelivery,
  type OrphanedEvent,
  postponeFanOuts,
  type SubscribedWebhook,
} from '@signpost/database';
import { isFromBefore, matchesSubscription } from '@signpost/delivery';
import type { JobProducer } from '@signpost/queue';
import { deriveUuid, formatId, type Logger } from '@signpost/runtime';
import { LRUCache } from 'lru-cache';
import type { DispatcherCounts } from './dispatcher-metrics.ts';

export interface FanOut {
  /**
   * Makes the deliveries of events and enqueues them. May be done any number of times, also half: ids of deliveries are
   * derived from event and webhook, jobs carry the delivery's id, and the event leaves the outbox last. An event that
   * breaks our code stays in the outbox for later and holds up no other.
   *
   * @throws the stores' errors; the job is run again then
   */
  run(eventIds: readonly string[]): Promise<void>;
}

export interface FanOutOptions {
  readonly database: Database;
  readonly producer: JobProducer;
  readonly counts: DispatcherCounts;
  readonly logger: Logger;
}

/** An insert of more rows would hold its locks for long, and one message to Redis would block it. */
const maxDeliveriesPerPage = 1000;

export function createFanOut({ database, producer, counts, logger }: FanOutOptions): FanOut {
  const webhooksOf = createWebhookLists(database);

  const insertAndEnqueue = async (page: readonly NewDelivery[]): Promise<void> => {
    await insertDeliveries(database, page);
    await producer.enqueueDeliveries(page.map(({ id }) => ({ deliveryId: id, delayMs: 0, scheduledAttempts: 0 })));
    counts.deliveriesCreated += page.length;
  };

  /** The deliveries of an event, or null where a fault of ours keeps us from making them. */
  const deliveriesOf = async (event: EventToFanOut | OrphanedEvent): Promise<readonly NewDelivery[] | null> => {
    if (event.workspaceId === null) return [];
    try {
      const webhooks = await webhooksOf(event);
      const matching = webhooks.filter(webhook => matchesSubscription(webhook, event) && !isFromBefore(event, webhook));
      return matching.map(webhook => newDelivery(event, webhook));
    } catch (error) {
      if (isInstallationFault(error)) throw error;
      logger.error({ error, event_id: formatId('event', event.id) }, 'event.fan_out_broke');
      return null;
    }
  };

  return {
    async run(eventIds) {
      const events = await loadEventsToFanOut(database, eventIds);
      const fannedOut: string[] = [];
      const broken: string[] = [];
      let page: NewDelivery[] = [];
      for (const event of events) {
        const deliveries = await deliveriesOf(event);
        (deliveries === null ? broken : fannedOut).push(event.id);
        for (const delivery of deliveries ?? []) {
          page.push(delivery);
          if (page.length < maxDeliveriesPerPage) continue;
          await insertAndEnqueue(page);
          page = [];
        }
      }
      if (page.length > 0) await insertAndEnqueue(page);
      if (fannedOut.length > 0) await markFannedOut(database, fannedOut);
      if (broken.length > 0) await postponeFanOuts(database, broken);
      counts.eventsFannedOut += fannedOut.length;
      counts.fanOutFaults += broken.length;
    },
  };
}

function newDelivery(
  event: EventToFanOut,
  { id: webhookId, contract, contractVersion }: SubscribedWebhook,
): NewDelivery {
  return {
    id: deriveUuid(event.id, webhookId),
    workspaceId: event.workspaceId,
    eventId: event.id,
    webhookId,
    eventType: event.eventType,
    contract,
    contractVersion,
  };
}

/**
 * The webhooks of a workspace, kept under the workspace's revision, which came with the event: a change of any webhook,
 * of a contract or of the workspace's choice changes the revision in the same transaction, so what is found here is never stale.
 */
function createWebhookLists(database: Database): (event: EventToFanOut) => Promise<readonly SubscribedWebhook[]> {
  const cache = new LRUCache<string, { revision: string; webhooks: Promise<readonly SubscribedWebhook[]> }>({
    max: 5000,
  });
  return event => {
    const known = cache.get(event.workspaceId);
    if (known !== undefined && known.revision === event.webhooksRevision) return known.webhooks;
    const webhooks = loadSubscribedWebhooks(database, event.workspaceId);
    cache.set(event.workspaceId, { revision: event.webhooksRevision, webhooks });
    webhooks.catch(() => cache.delete(event.workspaceId));
    return webhooks;
  };
}
