import { randomBytes } from 'node:crypto';
import { deriveUuid, makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase } from '@signpost/testing';
import {
  type AttemptRecord,
  type Database,
  insertDeliveries,
  insertEvents,
  type NewEvent,
  openDatabase,
} from './index.ts';

const standardContract = { contract: 'standard', contractVersion: 0 };

/** A database with one workspace, and makers of rows, for the tests of the hot path's statements. */
export interface HotPathFixture {
  readonly database: Database;
  /** A fresh UUIDv7. */
  uuid(): string;
  newEvent(overrides?: Partial<NewEvent>): NewEvent;
  makeWebhook(): Promise<string>;
  makeDelivery(webhookId?: string): Promise<string>;
  readDelivery(id: string): Promise<Record<string, unknown>>;
  scheduledAttempt(deliveryId: string, overrides?: Partial<AttemptRecord>): AttemptRecord;
  close(): Promise<void>;
}

export async function makeHotPathFixture(): Promise<HotPathFixture> {
  const testDatabase = await createTestDatabase();
  const database = openDatabase({
    url: testDatabase.url,
    maxConnections: 4,
    maxHotConnections: 8,
    onConnectionError: () => {},
  });
  const uuid = (): string => makeUuid(systemClock.nowMs());
  const newIds = () => {
    const lostId = uuid();
    return { id: uuid(), lostId: () => lostId };
  };
  const workspaceId = uuid();
  await database.pool.query('insert into workspaces (id, name) values ($1, $2)', [workspaceId, 'hot path']);

  const newEvent: HotPathFixture['newEvent'] = overrides => ({
    id: uuid(),
    workspaceId,
    eventType: 'invoice.paid',
    occurredAtMs: systemClock.nowMs(),
    payload: '{"id":"inv_1"}',
    metadata: null,
    subject: null,
    channels: [],
    idempotencyKey: null,
    fingerprint: randomBytes(32),
    ...overrides,
  });
  const makeWebhook = async (): Promise<string> => {
    const id = uuid();
    await database.pool.query(
      `insert into webhooks (id, workspace_id, url, event_types) values ($1, $2, 'https://example.com', '{*}')`,
      [id, workspaceId],
    );
    return id;
  };
  return {
    database,
    uuid,
    newEvent,
    makeWebhook,
    async makeDelivery(webhookId) {
      const event = newEvent();
      await insertEvents(database, [event]);
      const target = webhookId ?? (await makeWebhook());
      const id = deriveUuid(event.id, target);
      await insertDeliveries(database, [
        { id, workspaceId, eventId: event.id, webhookId: target, eventType: event.eventType, ...standardContract },
      ]);
      return id;
    },
    readDelivery: async id => (await database.pool.query('select * from deliveries where id = $1', [id])).rows[0],
    scheduledAttempt: (deliveryId, overrides) => ({ ...succeededAttempt, ...newIds(), deliveryId, ...overrides }),
    async close() {
      await database.close();
      await testDatabase.drop();
    },
  };
}

const succeededAttempt = {
  trigger: 'scheduled',
  fence: { scheduledAttemptCount: 0, manualRetryAt: null },
  step: { kind: 'succeeded' },
  startedAtMs: 1_775_397_840_000,
  durationMs: 12,
  status: 'succeeded',
  responseCode: 200,
  errorCode: null,
  errorMessage: null,
  requestMethod: 'POST',
  requestUrl: 'https://example.com',
  requestHeaders: '{}',
  responseHeaders: '{}',
  responseBody: 'ok',
  responseBodyTruncated: false,
  phase: 'response',
  timings: { dnsMs: 1, connectMs: 2, tlsMs: 3, firstByteMs: 4 },
} as const;
