import { fieldsOf, type Fields } from './answer.ts';
import { type Call, type CallOptions, createCall, type Surroundings, systemSurroundings } from './call.ts';
import { openConnection, type SignpostClientOptions } from './connection.ts';
import {
  type Delivery,
  type DeliveryFilter,
  deliveryQuery,
  type DeliveryWithAttempts,
  readDelivery,
  readDeliveryWithAttempts,
  readTestResult,
  type TestResult,
} from './delivery.ts';
import { SignpostError, withIdempotencyKey } from './errors.ts';
import {
  type Event,
  type EventFilter,
  eventQuery,
  eventText,
  type NewEvent,
  type PublishedEvent,
  readEvent,
  readPublishedEvent,
} from './event.ts';
import { iteratePages } from './pages.ts';
import { type BatchItemResult, publishBatch } from './publish-batch.ts';
import {
  type CreatedWebhook,
  type NewWebhook,
  readCreatedWebhook,
  readWebhook,
  type Webhook,
  webhookBody,
  type WebhookFilter,
  type WebhookInput,
  webhookQuery,
} from './webhook.ts';

/** A test send waits for the receiver, whose own deadline may be 60 s. */
const testSendTimeoutMs = 70_000;

/**
 * Every call rejects with a `SignpostError` where it fails, and with a `TypeError` where an argument cannot be sent. Lists
 * are newest first.
 */
export interface SignpostClient {
  /**
   * Publishes one event. All tries of the call carry one idempotency key, so a retry cannot double the event; a failure's
   * `idempotencyKey` is that key.
   */
  publish(event: NewEvent, options?: CallOptions): Promise<PublishedEvent>;
  /**
   * Publishes any number of events, at most 1000 (or 10 MiB) in a request. Options hold for each request.
   *
   * @returns what became of each, in the order given: refused events are results, not exceptions
   * @throws {SignpostBatchError} where a request fails; its `results` say what is known of each event
   */
  publishBatch(events: readonly NewEvent[], options?: CallOptions): Promise<BatchItemResult[]>;
  readonly events: EventCalls;
  readonly deliveries: DeliveryCalls;
  readonly webhooks: WebhookCalls;
  /** Takes no new calls, waits for those that run, and closes the connections. Safe to call twice. */
  close(): Promise<void>;
}

export interface EventCalls {
  /** Goes through the events, page by page. Options hold for each page. */
  (filter?: EventFilter, options?: CallOptions): AsyncGenerator<Event, void, undefined>;
  get(id: string, options?: CallOptions): Promise<Event>;
  /** Its data and metadata are gone for good, its pending deliveries are cancelled; the event stays. */
  expungePayload(id: string, options?: CallOptions): Promise<void>;
}

export interface DeliveryCalls {
  /** Goes through the deliveries, page by page. Options hold for each page. */
  (filter?: DeliveryFilter, options?: CallOptions): AsyncGenerator<Delivery, void, undefined>;
  get(id: string, options?: CallOptions): Promise<DeliveryWithAttempts>;
  /** Has one more attempt made now, whatever the status. Not repeated after an unclear failure. */
  retry(id: string, options?: CallOptions): Promise<Delivery>;
}

/** Creating, testing and rotating are not repeated after an unclear failure: each time would do something more. */
export interface WebhookCalls {
  create(webhook: NewWebhook, options?: CallOptions): Promise<CreatedWebhook>;
  list(filter?: WebhookFilter, options?: CallOptions): AsyncGenerator<Webhook, void, undefined>;
  get(id: string, options?: CallOptions): Promise<Webhook>;
  /** null clears a field, a missing one stays. */
  update(id: string, changes: Partial<WebhookInput>, options?: CallOptions): Promise<Webhook>;
  /** It is gone for good, its pending deliveries are cancelled. */
  remove(id: string, options?: CallOptions): Promise<void>;
  /** Sends one synthetic event now and waits for the receiver, by default up to 70 s. */
  test(id: string, eventType: string, options?: TestSendOptions): Promise<TestResult>;
  /** Makes a new signing secret. The old one signs, too, until the overlap (by default a day) ends. */
  rotateSecret(id: string, rotation?: SecretRotation, options?: CallOptions): Promise<RotatedSecret>;
}

export interface TestSendOptions extends CallOptions {
  /** 0 to 2^32 - 1: equal seeds send equal data; without one, the data are other ones each time. */
  readonly seed?: number;
}

export interface RotatedSecret {
  readonly signingSecret: string;
  /** Whether the old secrets sign, too; never where the contract carries one signature. */
  readonly overlap: boolean;
  /** RFC 3339; null: the old secrets sign no more. */
  readonly overlapEndsAt: string | null;
}

export interface SecretRotation {
  readonly overlapSeconds?: number;
  /** A secret of your own, in the form of the contract. */
  readonly secret?: string;
}

/**
 * A client for one instance and one key. It opens connections with its first call and keeps them for the next ones.
 *
 * @throws {TypeError} where an option is wrong
 */
export function createSignpostClient(options: SignpostClientOptions): SignpostClient {
  return createClientIn(systemSurroundings, options);
}

/** `createSignpostClient` with time, chance and keys from outside, for tests. */
export function createClientIn(surroundings: Surroundings, options: SignpostClientOptions): SignpostClient {
  const connection = openConnection(options);
  const running = new Set<Promise<unknown>>();
  let isClosed = false;
  const callNow = createCall(connection, surroundings);
  const call: Call = async (request, read, callOptions) => {
    if (isClosed) throw new SignpostError('closed', 'The client is closed.');
    const answer = callNow(request, read, callOptions);
    running.add(answer);
    try {
      return await answer;
    } finally {
      running.delete(answer);
    }
  };
  return {
    publish: (event, callOptions) => publish(call, surroundings.makeIdempotencyKey, event, callOptions),
    publishBatch: (events, callOptions) => publishBatch(call, surroundings.makeIdempotencyKey, events, callOptions),
    events: eventCalls(call),
    deliveries: deliveryCalls(call),
    webhooks: webhookCalls(call),
    close: async () => {
      isClosed = true;
      await Promise.allSettled(running);
      if (connection.ownsAgent) connection.agent.destroy();
    },
  };
}

async function publish(
  call: Call,
  makeIdempotencyKey: () => string,
  event: NewEvent,
  options?: CallOptions,
): Promise<PublishedEvent> {
  const idempotencyKey = event.idempotencyKey ?? makeIdempotencyKey();
  const body = eventText(event, idempotencyKey);
  try {
    return await call(
      { method: 'POST', path: 'v1/events', body, repeatable: true },
      answer => readPublishedEvent(fieldsOf(answer), idempotencyKey),
      options,
    );
  } catch (error) {
    throw error instanceof SignpostError ? withIdempotencyKey(error, idempotencyKey) : error;
  }
}

function eventCalls(call: Call): EventCalls {
  const list: (...given: Parameters<EventCalls>) => ReturnType<EventCalls> = (filter = {}, options) =>
    iteratePages(call, 'v1/events', eventQuery(filter), readEvent, options);
  return Object.assign(list, {
    get: async (id: string, options?: CallOptions) => getOne(call, itemPath('v1/events', id), readEvent, options),
    expungePayload: async (id: string, options?: CallOptions) =>
      call(
        { method: 'DELETE', path: itemPath('v1/events', id, 'payload'), repeatable: true },
        () => undefined,
        options,
      ),
  });
}

function deliveryCalls(call: Call): DeliveryCalls {
  const base = 'v1/deliveries';
  const list: (...given: Parameters<DeliveryCalls>) => ReturnType<DeliveryCalls> = (filter = {}, options) =>
    iteratePages(call, base, deliveryQuery(filter), readDelivery, options);
  return Object.assign(list, {
    get: async (id: string, options?: CallOptions) =>
      getOne(call, itemPath(base, id), readDeliveryWithAttempts, options),
    retry: async (id: string, options?: CallOptions) =>
      call(
        { method: 'POST', path: itemPath(base, id, 'retry'), repeatable: false },
        body => readDelivery(fieldsOf(body)),
        options,
      ),
  });
}

function webhookCalls(call: Call): WebhookCalls {
  const base = 'v1/webhooks';
  return {
    create: async (webhook, options) =>
      call(
        { method: 'POST', path: base, body: webhookBody(webhook), repeatable: false },
        body => readCreatedWebhook(fieldsOf(body)),
        options,
      ),
    list: (filter = {}, options) => iteratePages(call, base, webhookQuery(filter), readWebhook, options),
    get: async (id, options) => getOne(call, itemPath(base, id), readWebhook, options),
    update: async (id, changes, options) =>
      call(
        { method: 'PATCH', path: itemPath(base, id), body: webhookBody(changes), repeatable: true },
        body => readWebhook(fieldsOf(body)),
        options,
      ),
    remove: async (id, options) =>
      call(
        { method: 'DELETE', path: itemPath(base, id), repeatable: true, goneWhenDone: true },
        () => undefined,
        options,
      ),
    test: async (id, eventType, { seed, ...options } = {}) =>
      call(
        {
          method: 'POST',
          path: itemPath(base, id, 'test'),
          body: JSON.stringify({ event_type: eventType, seed }),
          repeatable: false,
        },
        body => readTestResult(fieldsOf(body)),
        {
          ...options,
          timeoutMs: options.timeoutMs ?? testSendTimeoutMs,
          deadlineMs: options.deadlineMs ?? testSendTimeoutMs,
        },
      ),
    rotateSecret: async (id, { overlapSeconds, secret } = {}, options) =>
      call(
        {
          method: 'POST',
          path: itemPath(base, id, 'rotate-secret'),
          body: JSON.stringify({ overlap_seconds: overlapSeconds, secret }),
          repeatable: false,
        },
        body => readRotatedSecret(fieldsOf(body)),
        options,
      ),
  };
}

function readRotatedSecret(fields: Fields): RotatedSecret {
  return {
    signingSecret: fields.text('signing_secret'),
    overlap: fields.flag('overlap'),
    overlapEndsAt: fields.textOrNull('overlap_ends_at'),
  };
}

function getOne<T>(call: Call, path: string, read: (fields: Fields) => T, options?: CallOptions): Promise<T> {
  return call({ method: 'GET', path, repeatable: true }, body => read(fieldsOf(body)), options);
}

/** @throws {TypeError} where the id cannot be one: it would name another path */
function itemPath(base: string, id: string, action?: string): string {
  if (!/^[A-Za-z0-9_]+$/.test(id)) throw new TypeError('The id must be such as wh_01jd3kq8e5f1x9a7m2c4v6b8n0');
  return `${base}/${id}${action === undefined ? '' : `/${action}`}`;
}
