import { deriveUuid } from '@signpost/runtime';
import { audit } from './audit-log.fixture.ts';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import {
  type AttemptRecord,
  expungePayload,
  insertDeliveries,
  insertEvents,
  type NewDelivery,
  type NewEvent,
  recordAttempts,
  type RecordResult,
} from './index.ts';

/** A string that stands in payloads, and in all that a receiver answers. */
export const canary = 'canary-8f2c51';

/** What an attempt tells where a contract and a receiver repeat the payload. */
export const echo = {
  responseBody: canary,
  responseHeaders: `{"x-echo":"${canary}"}`,
  requestHeaders: `{"x-data":"${canary}"}`,
} as const;
export const failedEcho = { ...echo, status: 'failed', step: { kind: 'retry', retryInMs: 3_600_000 } } as const;

/** A database with one workspace, and makers of what is expunged. */
export interface ExpungeFixture extends HotPathFixture {
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look at rows of every shape
  query(sql: string, values?: readonly unknown[]): Promise<any[]>;
  /** A delivery of the event to a webhook of its own; not inserted. */
  deliveryOf(event: NewEvent): NewDelivery;
  /** An event in the outbox, some of whose deliveries exist, in the order of their ids. */
  makeEvent(deliveries: number): Promise<{ readonly event: NewEvent; readonly ids: readonly string[] }>;
  /** Records an attempt that echoes; a success unless told otherwise. */
  record(deliveryId: string, overrides?: Partial<AttemptRecord>): Promise<RecordResult['kind'] | undefined>;
  expunge(event: NewEvent): Promise<boolean>;
}

export async function makeExpungeFixture(): Promise<ExpungeFixture> {
  const fixture = await makeHotPathFixture();
  const { database } = fixture;
  const deliveryOf = ({ id: eventId, workspaceId, eventType }: NewEvent): NewDelivery => {
    const webhookId = fixture.uuid();
    const id = deriveUuid(eventId, webhookId);
    return { id, workspaceId, eventId, webhookId, eventType, contract: 'standard', contractVersion: 0 };
  };
  return {
    ...fixture,
    query: async (sql, values = []) => (await database.pool.query(sql, [...values])).rows,
    deliveryOf,
    async makeEvent(deliveries) {
      const event = fixture.newEvent({ payload: JSON.stringify(canary), metadata: JSON.stringify({ canary }) });
      await insertEvents(database, [event]);
      const made = Array.from({ length: deliveries }, () => deliveryOf(event));
      await insertDeliveries(database, made);
      return { event, ids: made.map(({ id }) => id).toSorted() };
    },
    record: async (id, overrides) =>
      (await recordAttempts(database, [fixture.scheduledAttempt(id, { ...echo, ...overrides })]))[0]?.kind,
    expunge: event => expungePayload(database, event.workspaceId, event.id, audit),
  };
}
