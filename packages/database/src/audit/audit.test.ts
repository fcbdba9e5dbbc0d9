import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { deriveUuid } from '@signpost/runtime';
import pg from 'pg';
import { audit as entry } from '../audit-log.fixture.ts';
import { type HotPathFixture, makeHotPathFixture } from '../hot-path.fixture.ts';
import {
  auditDatabase,
  type AuditOptions,
  type AuditReport,
  cancelDeliveries,
  type Database,
  expungePayload,
  insertDeliveries,
  insertEvents,
  markFannedOut,
  noteUnseenAttempts,
  openDatabase,
  recordAttempts,
  recordBeside,
} from '../index.ts';
import { damages } from './damages.fixture.ts';

let fixture: HotPathFixture;
let database: Database;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
  database = fixture.database;
});
afterAll(() => fixture.close());

const options: AuditOptions = {
  rules: { deriveDeliveryId: deriveUuid, contractRetries: () => 5, changeMarginMs: 0 },
  lateness: { eventMs: 60_000, deliveryMs: 120_000 },
  sinceMs: null,
  untilMs: null,
  workspaceId: null,
};
const audit = (changes: Partial<AuditOptions> = {}, on = database): Promise<AuditReport> =>
  auditDatabase(on, { ...options, ...changes });
const change = (sql: string, values: unknown[] = []) => database.pool.query(sql, values);

/** A webhook that has been there for an hour and gets the events of a type of its own. */
async function makeWebhook(): Promise<{ webhook: string; eventType: string }> {
  const webhook = await fixture.makeWebhook();
  const eventType = `type.${webhook}`;
  await change(
    `update webhooks set event_types = array[$2], created_at = now() - interval '1 hour',
       updated_at = now() - interval '1 hour' where id = $1`,
    [webhook, eventType],
  );
  await raiseRevision();
  return { webhook, eventType };
}

const raiseRevision = () => change('update workspaces set webhooks_revision = webhooks_revision + 1');

/** An event that was fanned out to one webhook, whose delivery has no attempt yet. */
async function makeFannedOut({ webhook, eventType }: { webhook: string; eventType: string }): Promise<Ids> {
  const event = fixture.newEvent({ eventType });
  await insertEvents(database, [event]);
  const delivery = deriveUuid(event.id, webhook);
  const { workspaceId, id: eventId } = event;
  const contract = { contract: 'standard', contractVersion: 0 };
  await insertDeliveries(database, [
    { id: delivery, workspaceId, eventId, webhookId: webhook, eventType, ...contract },
  ]);
  await markFannedOut(database, [event.id]);
  return { event: event.id, webhook, delivery };
}

interface Ids {
  readonly event: string;
  readonly webhook: string;
  readonly delivery: string;
}

/** An event whose only delivery has succeeded with its second attempt. */
async function makeSettled(): Promise<Ids> {
  const ids = await makeFannedOut(await makeWebhook());
  await recordAttempts(database, [
    fixture.scheduledAttempt(ids.delivery, { step: { kind: 'retry', retryInMs: 1000 }, status: 'failed' }),
  ]);
  await recordAttempts(database, [
    fixture.scheduledAttempt(ids.delivery, { fence: { scheduledAttemptCount: 1, manualRetryAt: null } }),
  ]);
  return ids;
}

afterEach(async () => {
  for (const table of ['attempts', 'deliveries', 'events', 'pending_fan_outs', 'webhooks'])
    await change(`delete from ${table}`);
  await raiseRevision();
});

async function kindsOf(report: Promise<AuditReport>): Promise<string[]> {
  return (await report).findings.map(finding => finding.kind);
}

describe('an undamaged database', () => {
  test('is clean, whatever deliveries went through', async () => {
    const { webhook, delivery: retried } = await makeSettled();
    // Still in the outbox.
    await insertEvents(database, [fixture.newEvent({ eventType: `type.${webhook}` })]);
    const cancelled = await makeFannedOut(await makeWebhook());
    await cancelDeliveries(database, [cancelled.delivery]);
    const { webhook: deleted } = await makeSettled();
    await change('delete from webhooks where id = $1', [deleted]);
    await raiseRevision();
    const testEvent = fixture.newEvent({ eventType: `type.${webhook}` });
    await insertEvents(database, [testEvent]);
    await markFannedOut(database, [testEvent.id]);
    await change(
      `insert into deliveries (id, workspace_id, event_id, webhook_id, event_type, contract, contract_version, test)
       values ($1, $2, $3, $4, $5, 'standard', 0, true)`,
      [fixture.uuid(), testEvent.workspaceId, testEvent.id, webhook, testEvent.eventType],
    );
    // A manual retry after the end, and an attempt whose dispatcher died.
    await change('update deliveries set manual_retry_at = clock_timestamp() where id = $1', [retried]);
    const manualRetryAt = String(
      (await change('select manual_retry_at::text as at from deliveries where id = $1', [retried])).rows[0].at,
    );
    const [result] = await recordAttempts(database, [
      fixture.scheduledAttempt(retried, {
        trigger: 'manual',
        fence: { scheduledAttemptCount: 2, manualRetryAt },
        step: { kind: 'failed' },
        status: 'failed',
      }),
    ]);
    expect(result?.kind).toBe('recorded');
    await change(
      `insert into attempts (delivery_id, number, id, trigger, started_at, duration_ms, status, error_code, request_method,
         request_url, request_headers)
       select delivery_id, 4, $2, 'scheduled', started_at, duration_ms, 'failed', 'dispatcher_lost', 'POST', '', '{}'
       from attempts where delivery_id = $1 and number = 1`,
      [retried, fixture.uuid()],
    );
    await change('update deliveries set attempt_count = 4 where id = $1', [retried]);
    // One that a fault of ours kept breaking.
    const broken = await makeFannedOut(await makeWebhook());
    await noteUnseenAttempts(database, [
      {
        id: fixture.uuid(),
        deliveryId: broken.delivery,
        trigger: 'scheduled',
        fenceAttemptCount: null,
        error: { code: 'quarantined', message: '' },
        final: true,
      },
    ]);
    // Outcomes that came too late: a success after the cancellation, and another one of an attempt that was made twice.
    const late = await recordAttempts(
      database,
      [cancelled.delivery, retried].map(delivery => fixture.scheduledAttempt(delivery)),
    );
    expect(late).toEqual([{ kind: 'superseded' }, { kind: 'superseded' }]);
    // One whose outcome could not be stored.
    const notRecorded = { status: 'failed', errorCode: 'not_recorded' } as const;
    await recordBeside(database, [fixture.scheduledAttempt(broken.delivery, notRecorded)]);
    const report = await audit();
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ events: 6, eventsWaiting: 1, deliveries: 5, attempts: 10, expectedDeliveries: 3 });
  });

  test('is clean when payloads were expunged, before the fan-out, half through it, and behind it', async () => {
    const expunge = (id: string) => workspaceId().then(workspace => expungePayload(database, workspace, id, entry));
    const [first, second] = [await makeWebhook(), await makeWebhook()];
    await change('update webhooks set event_types = array[$1] where id = $2', [first.eventType, second.webhook]);
    await raiseRevision();
    const unfanned = fixture.newEvent({ eventType: first.eventType });
    await insertEvents(database, [unfanned]);
    await expunge(unfanned.id);
    const half = fixture.newEvent({ eventType: first.eventType });
    await insertEvents(database, [half]);
    const { workspaceId: workspace, id: eventId, eventType } = half;
    const contract = { contract: 'standard', contractVersion: 0 };
    const delivery = {
      id: deriveUuid(eventId, first.webhook),
      workspaceId: workspace,
      eventId,
      eventType,
      ...contract,
    };
    await insertDeliveries(database, [{ ...delivery, webhookId: first.webhook }]);
    await expunge(half.id);
    const settled = await makeSettled();
    await change('update deliveries set manual_retry_at = clock_timestamp() where id = $1', [settled.delivery]);
    await expunge(settled.event);
    const pending = await makeFannedOut(await makeWebhook());
    await expunge(pending.event);
    const report = await audit({ lateness: { eventMs: -1, deliveryMs: -1 } });
    expect(report).toMatchObject({ findings: [], events: 4, eventsWaiting: 0, deliveries: 3, attempts: 2 });
  });

  test('is clean when retention has taken a part of a day', async () => {
    await change(`select ensure_day_partitions('2026-01-05')`);
    const time = Date.UTC(2026, 0, 5, 12).toString(16).padStart(12, '0');
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000001`;
    const { eventType } = await makeWebhook();
    await change(
      `insert into events (id, workspace_id, event_type, occurred_at, payload) values ($1, $2, $3, now(), '{}')`,
      [id, await workspaceId(), eventType],
    );
    expect(await kindsOf(audit())).toEqual(['delivery_missing']);
    await change('drop table attempts_20260105');
    await change('drop table deliveries_20260105');
    expect(await kindsOf(audit())).toEqual([]);
  });

  test('a webhook that is newer than the event, changed since, or does not match, is not expected to have it', async () => {
    await fixture.makeWebhook();
    const [changed, other, inactive] = [await makeWebhook(), await makeWebhook(), await makeWebhook()];
    await change(`update webhooks set updated_at = now(), event_types = '{*}' where id = $1`, [changed.webhook]);
    await change('update webhooks set active = false where id = $1', [inactive.webhook]);
    const events = [inactive, changed].map(({ eventType }) => fixture.newEvent({ eventType }));
    await insertEvents(database, events);
    await markFannedOut(
      database,
      events.map(event => event.id),
    );
    expect(other.eventType).not.toBe(changed.eventType);
    await change(`update events set created_at = now() - interval '1 minute'`);
    expect(await audit()).toMatchObject({ findings: [], expectedDeliveries: 0 });
  });
});

async function workspaceId(): Promise<string> {
  return (await change('select id from workspaces')).rows[0].id;
}

describe('damage', () => {
  test.each(damages)('%s is found (%s)', async (kind, ...statements) => {
    const ids: Record<string, string> = { ...(await makeSettled()), new: fixture.uuid() };
    expect(await kindsOf(audit())).toEqual([]);
    for (const sql of statements)
      await change(sql.replaceAll(/:(event|webhook|delivery|new)\b/g, (_, name) => `'${ids[name]}'`));
    await raiseRevision();
    const { findings } = await audit();
    expect(findings.map(finding => finding.kind)).toContain(kind);
    const found = findings.find(finding => finding.kind === kind);
    expect(found).toMatchObject({ count: 1, examples: [expect.any(Object)] });
    expect(Object.values(ids)).toEqual(
      expect.arrayContaining([found?.examples[0]?.delivery ?? found?.examples[0]?.event]),
    );
  });

  test('is counted in full, over many windows, and shown by 20 examples', async () => {
    const { webhook, eventType } = await makeWebhook();
    const events = Array.from({ length: 60 }, () => fixture.newEvent({ eventType }));
    await insertEvents(database, events);
    await markFannedOut(
      database,
      events.map(event => event.id),
    );
    const report = await audit({ windowRows: 7 });
    expect(report).toMatchObject({ events: 60, expectedDeliveries: 60 });
    expect(report.findings).toMatchObject([{ kind: 'delivery_missing', count: 60 }]);
    expect(report.findings[0]?.examples).toHaveLength(20);
    expect(report.findings[0]?.examples[0]).toEqual({ event: events[0]?.id, webhook });
    expect((await audit({ workspaceId: fixture.uuid() })).findings).toEqual([]);
    expect((await audit({ untilMs: 1000 })).findings).toEqual([]);
  });
});

test('a role that may do nothing but select can audit', async () => {
  await makeSettled();
  await change(`drop role if exists signpost_auditor`);
  await change(`create role signpost_auditor login password 'read'`);
  await change('grant select on all tables in schema public to signpost_auditor');
  const url = new URL(database.pool.options.connectionString as string);
  url.username = 'signpost_auditor';
  url.password = 'read';
  const reader = openDatabase({ url: url.href, maxConnections: 1, maxHotConnections: 1, onConnectionError: () => {} });
  try {
    await expect(reader.pool.query('delete from attempts')).rejects.toBeInstanceOf(pg.DatabaseError);
    expect(await audit({}, reader)).toMatchObject({ findings: [], deliveries: 1, attempts: 2 });
  } finally {
    await reader.close();
    await change('drop owned by signpost_auditor');
    await change('drop role signpost_auditor');
  }
});
