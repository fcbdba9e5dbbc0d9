import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { audit } from './audit-log.fixture.ts';
import { canary, type ExpungeFixture, failedEcho, makeExpungeFixture } from './expunge-payload.fixture.ts';
import {
  type Database,
  type ExpungedPayload,
  expungePayload,
  findEvent,
  insertEvents,
  listEvents,
  loadEventContents,
  loadEventsToFanOut,
  markFannedOut,
} from './index.ts';

let fixture: ExpungeFixture;
let database: Database;
beforeAll(async () => {
  fixture = await makeExpungeFixture();
  database = fixture.database;
});
afterAll(() => fixture.close());

const secondFence = { scheduledAttemptCount: 1, manualRetryAt: null };

describe('an event whose payload was expunged', () => {
  test('has no payload and no metadata; its attempts keep all but what may repeat them', async () => {
    const { event, ids } = await fixture.makeEvent(1);
    const [id] = ids as [string];
    await fixture.record(id, {
      ...failedEcho,
      responseCode: 302,
      errorCode: 'redirect_not_followed',
      errorMessage: `302: The receiver answered with a redirect (to /${canary}).`,
      responseBodyTruncated: true,
    });
    const noAnswer = { responseHeaders: null, responseBody: null, responseCode: null };
    await fixture.record(id, {
      ...failedEcho,
      ...noAnswer,
      fence: secondFence,
      errorCode: 'dns_failed',
      errorMessage: 'No server.',
    });
    await fixture.record(id, { fence: { ...secondFence, scheduledAttemptCount: 2 } });
    const attempts = () => fixture.query('select * from attempts where delivery_id = $1 order by number', [id]);
    const before = await attempts();

    expect(await fixture.expunge(event)).toBe(true);
    const cleared = {
      request_headers: '{}',
      response_headers: '{}',
      response_body: null,
      response_body_truncated: false,
    };
    const redirect = expect.stringMatching(/^The receiver answered with a redirect\. /);
    expect(await attempts()).toEqual([
      { ...before[0], ...cleared, error_message: redirect },
      { ...before[1], ...cleared, response_headers: null },
      { ...before[2], ...cleared },
    ]);
    expect(await findEvent(database, event.workspaceId, event.id)).toMatchObject({
      payload: null,
      metadata: null,
      payloadExpungedAt: expect.any(Date),
      eventType: event.eventType,
    });
    expect(await loadEventContents(database, [event.id])).toEqual([]);
  });

  test('has no open deliveries; those that had ended stay as they were', async () => {
    const { event, ids } = await fixture.makeEvent(4);
    const [pending, retried, succeeded, asked] = ids as [string, string, string, string];
    await fixture.record(retried, failedEcho);
    await fixture.record(succeeded, {});
    await fixture.record(asked, {});
    await fixture.query('update deliveries set manual_retry_at = clock_timestamp() where id = any($1)', [
      [asked, retried],
    ]);
    const before = [await fixture.readDelivery(succeeded), await fixture.readDelivery(asked)];
    await fixture.expunge(event);
    for (const id of [pending, retried])
      expect(await fixture.readDelivery(id)).toMatchObject({
        status: 'cancelled',
        next_attempt_at: null,
        manual_retry_at: null,
        completed_at: expect.any(Date),
      });
    expect(await fixture.readDelivery(succeeded)).toEqual(before[0]);
    expect(await fixture.readDelivery(asked)).toEqual({ ...before[1], manual_retry_at: null });
  });

  test('is not fanned out any more where it stood in the outbox', async () => {
    const { event } = await fixture.makeEvent(0);
    await fixture.expunge(event);
    expect(await loadEventsToFanOut(database, [event.id])).toEqual([]);
    expect(await findEvent(database, event.workspaceId, event.id)).toMatchObject({ fannedOut: true });
  });

  test('stands in lists, between events that have their payloads', async () => {
    const [first, second, third] = [await fixture.makeEvent(0), await fixture.makeEvent(0), await fixture.makeEvent(0)];
    await fixture.expunge(second.event);
    const filter = { eventType: null, subject: null, ids: { from: first.event.id, before: null } };
    const { rows: events } = await listEvents(
      database,
      first.event.workspaceId,
      filter,
      { limit: 5, start: null },
      1e6,
    );
    const payload = JSON.stringify(canary);
    expect(events.map(each => [each.id, each.payload])).toEqual([
      [third.event.id, payload],
      [second.event.id, null],
      [first.event.id, payload],
    ]);
  });

  test('gives the same event to who publishes it again, and keeps the new text nowhere', async () => {
    const event = fixture.newEvent({ idempotencyKey: 'secret', payload: `"${canary}-again"` });
    await insertEvents(database, [event]);
    await fixture.expunge(event);
    expect(await insertEvents(database, [{ ...event, id: fixture.uuid() }])).toMatchObject([
      { kind: 'key_taken', eventId: event.id, sameContent: true },
    ]);
    expect(await fixture.query('select id from events where payload = $1', [event.payload])).toEqual([]);
  });
});

test('an entry tells what came of it, once; a repeat and another workspace change nothing', async () => {
  const { event } = await fixture.makeEvent(2);
  const told: ExpungedPayload[] = [];
  const expungeIn = (workspaceId: string) =>
    expungePayload(database, workspaceId, event.id, expunged => {
      told.push(expunged);
      return audit();
    });
  expect(await expungeIn(fixture.uuid())).toBe(false);
  expect(await findEvent(database, event.workspaceId, event.id)).toMatchObject({ payload: event.payload });
  await markFannedOut(database, [event.id]);
  expect(await Promise.all(Array.from({ length: 3 }, () => expungeIn(event.workspaceId)))).toEqual([true, true, true]);
  expect(told).toEqual([{ eventType: event.eventType, wasFannedOut: true, cancelledDeliveries: 2 }]);
  const unfanned = await fixture.makeEvent(1);
  await expungePayload(database, event.workspaceId, unfanned.event.id, expunged => {
    told.push(expunged);
    return audit();
  });
  expect(told[1]).toMatchObject({ wasFannedOut: false, cancelledDeliveries: 1 });
});
