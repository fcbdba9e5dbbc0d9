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
  /** Room for the webhooks of workspaces, in characters. */
  readonly maxCachedCharacters?: number;
}

/** 32 Mi characters are 32 to 64 MiB. */
const defaultMaxCachedCharacters = 32 * 1024 * 1024;
/** What else there is of a webhook: ids, numbers, the objects themselves. */
const charactersAside = 300;

/** An insert of more rows would hold its locks for long, and one message to Redis would block it. */
const maxDeliveriesPerPage = 1000;

export function createFanOut({
  database,
  producer,
  counts,
  logger,
  maxCachedCharacters = defaultMaxCachedCharacters,
}: FanOutOptions): FanOut {
  const webhooksOf = createWebhookLists(database, maxCachedCharacters);

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
function createWebhookLists(
  database: Database,
  maxCharacters: number,
): (event: EventToFanOut) => Promise<readonly SubscribedWebhook[]> {
  interface WebhookList {
    readonly revision: string;
    readonly webhooks: Promise<readonly SubscribedWebhook[]>;
  }
  const cache = new LRUCache<string, WebhookList>({ max: 5000, maxSize: maxCharacters });
  return event => {
    const { workspaceId, webhooksRevision: revision } = event;
    const known = cache.get(workspaceId);
    if (known !== undefined && known.revision === revision) return known.webhooks;
    const list: WebhookList = { revision, webhooks: loadSubscribedWebhooks(database, workspaceId) };
    // Those that come while it is on its way share the one look-up. Its size is known when it is there; a list that is too
    // large for the cache leaves it then.
    cache.set(workspaceId, list, { size: charactersAside });
    list.webhooks.then(
      webhooks => {
        // A copy: the size of one that is the same stays as it is.
        if (cache.peek(workspaceId) === list) cache.set(workspaceId, { ...list }, { size: charactersOf(webhooks) });
      },
      () => cache.delete(workspaceId),
    );
    return list.webhooks;
  };
}

function charactersOf(webhooks: readonly SubscribedWebhook[]): number {
  let total = charactersAside;
  for (const { eventTypes, subject, channels } of webhooks) {
    total += charactersAside + (subject?.length ?? 0);
    for (const eventType of eventTypes) total += eventType?.length ?? 0;
    for (const channel of channels) total += channel?.length ?? 0;
  }
  return total;
}
