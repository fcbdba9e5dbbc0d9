// Which secrets sign is decided when an attempt is made.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseId } from '@signpost/runtime';
import { type ReceivedRequest, waitFor } from '@signpost/testing';
import { Webhook } from 'standardwebhooks';
import { type ApiWithDispatcher, startApiWithDispatcher } from '../../api-with-dispatcher.fixture.ts';
import type { TestWorkspace } from '../../test-api.ts';

let system: ApiWithDispatcher;
let mine: TestWorkspace;

beforeAll(async () => {
  system = await startApiWithDispatcher({ dispatcherEnvironment: { REPAIR_INTERVAL_MS: '100' } });
  mine = await system.api.makeWorkspace();
});
afterAll(() => system.close());

const call = async (operation: string, body?: object) => {
  const { status, body: answered } = await system.api.call(operation, { key: mine.key, body });
  if (status >= 300) throw new Error(`${operation}: ${status} ${JSON.stringify(answered)}`);
  return answered;
};

/** A webhook that alone gets events of its type. */
async function makeWebhook(fields: object = {}) {
  const eventType = `t${randomBytes(6).toString('hex')}`;
  const made = await call('POST /v1/webhooks', { url: system.receiver.url, events: [eventType], ...fields });
  return { id: made.id as string, secret: made.signing_secret as string, eventType };
}

const rotate = async (id: string, overlapSeconds: number): Promise<string> =>
  (await call(`POST /v1/webhooks/${id}/rotate-secret`, { overlap_seconds: overlapSeconds })).signing_secret;

const publish = async (eventType: string): Promise<string> =>
  (await call('POST /v1/events', { event_type: eventType, data: {} })).id;

/** The first delivery of an event, once it is as wanted. */
const deliveryOf = (eventId: string, isAsWanted: (delivery: { status: string; attempt_count: number }) => boolean) =>
  waitFor(async () => (await call(`GET /v1/deliveries?event_id=${eventId}`)).data.find(isAsWanted), {
    description: 'the delivery is as wanted',
  });

/** Those of the secrets that the request verifies with, and how many signatures it has. */
function signedWith({ body, headers }: ReceivedRequest, secrets: readonly string[]) {
  const verifies = (secret: string): boolean => {
    try {
      new Webhook(secret).verify(body, headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  };
  return { by: secrets.filter(verifies), signatures: String(headers['webhook-signature']).split(' ').length };
}

const arrived = (eventId: string): ReceivedRequest[] =>
  system.receiver.requests.filter(({ headers }) => headers['webhook-id'] === eventId);

test('a secret whose overlap has ended does not sign any more, although it is still stored', async () => {
  system.receiver.answerWith(() => ({}));
  const { id, secret: old, eventType } = await makeWebhook();
  const fresh = await rotate(id, 3600);
  const { pool } = system.api.dependencies.database;
  const uuid = parseId('webhook', id);
  const expire = `update webhook_secrets set expires_at = now() + $2 where webhook_id = $1 and expires_at is not null`;
  await pool.query(expire, [uuid, '-1 second']);
  const eventId = await publish(eventType);
  await deliveryOf(eventId, ({ status }) => status === 'succeeded');
  expect(arrived(eventId).map(request => signedWith(request, [old, fresh]))).toEqual([{ by: [fresh], signatures: 1 }]);
  const { rows } = await pool.query('select count(*)::int as stored from webhook_secrets where webhook_id = $1', [
    uuid,
  ]);
  expect(rows).toEqual([{ stored: 2 }]);
});

test('one that expires between two attempts signs the first and not the second', async () => {
  system.receiver.answerWith(() => ({}));
  const { id, secret: old, eventType } = await makeWebhook();
  const fresh = await rotate(id, 4);
  const endsAtMs = Date.now() + 4000;
  const first = await publish(eventType);
  await deliveryOf(first, ({ status }) => status === 'succeeded');
  await waitFor(() => Date.now() > endsAtMs, { description: 'the overlap has ended' });
  // The dispatcher holds both secrets in memory since the first attempt.
  const second = await publish(eventType);
  await deliveryOf(second, ({ status }) => status === 'succeeded');
  expect([first, second].map(eventId => signedWith(arrived(eventId)[0] as ReceivedRequest, [old, fresh]))).toEqual([
    { by: [old, fresh], signatures: 2 },
    { by: [fresh], signatures: 1 },
  ]);
});

test.each([
  ['without an overlap: by the new secret alone', 0, 1],
  ['with an overlap: by both', 3600, 2],
])('a retry that waits while the secret is rotated %s', async (_name, overlapSeconds, signatures) => {
  system.receiver.answerWith(() => ({ status: 500 }));
  const { id, secret: old, eventType } = await makeWebhook({ retry_schedule: [3] });
  const eventId = await publish(eventType);
  const failedOnce = await deliveryOf(eventId, delivery => delivery.attempt_count === 1);
  expect(failedOnce).toMatchObject({ status: 'pending' });
  const fresh = await rotate(id, overlapSeconds);
  system.receiver.answerWith(() => ({}));
  await deliveryOf(eventId, ({ status }) => status === 'succeeded');
  expect(arrived(eventId).map(request => signedWith(request, [old, fresh]))).toEqual([
    { by: [old], signatures: 1 },
    { by: overlapSeconds === 0 ? [fresh] : [old, fresh], signatures },
  ]);
});
