import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { webhookSecretContext } from '@signpost/database';
import { createEncryption, makeUuid, parseId } from '@signpost/runtime';
import { type Receiver, startReceiver, waitFor } from '@signpost/testing';
import { type Installation, startInstallation } from '../support/installation.ts';
import { waitUntilNothingPends } from '../support/publish-many.ts';

const webhooks = 10_000;

let signpost: Installation;
let receiver: Receiver;
beforeAll(async () => {
  signpost = await startInstallation({ dispatchers: 0 });
  receiver = await startReceiver();
}, 60_000);
afterAll(async () => {
  await signpost.close();
  await receiver.close();
});

/** Copies of one that the API made, each with a secret and a path of its own: 10,000 calls would take a minute. */
async function makeWebhooks(): Promise<void> {
  const model = await signpost.createWebhook({ url: receiver.url });
  const modelId = parseId('webhook', model.id);
  const encryption = createEncryption(signpost.environment['ENCRYPTION_KEY'] ?? '');
  const made = Array.from({ length: webhooks - 1 }, () => {
    const id = makeUuid(Date.now());
    return { id, secretId: makeUuid(Date.now()), ...encryption.seal(model.signing_secret, webhookSecretContext(id)) };
  });
  const ids = made.map(({ id }) => id);
  await signpost.query(
    `insert into webhooks (id, workspace_id, url, event_types)
     select made.id, w.workspace_id, w.url || made.id, w.event_types
     from unnest($1::uuid[]) as made (id), webhooks w where w.id = $2`,
    [ids, modelId],
  );
  await signpost.query(
    `insert into webhook_secrets (id, webhook_id, sealed, key_id)
     select * from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[])`,
    [made.map(({ secretId }) => secretId), ids, made.map(({ sealed }) => sealed), made.map(({ keyId }) => keyId)],
  );
}

/** Looks every few ms at how long the oldest transaction of the database has been open; the longest counts. */
function watchTransactions(): { end(): Promise<number> } {
  let longestMs = 0;
  let ended = false;
  const watching = (async () => {
    while (!ended) {
      const [row] = await signpost.query<{ age_ms: number | null }>(
        `select max(extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as age_ms
         from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      longestMs = Math.max(longestMs, row?.age_ms ?? 0);
    }
  })();
  return {
    async end() {
      ended = true;
      await watching;
      return longestMs;
    },
  };
}

const countDeliveries = async (): Promise<number> =>
  (await signpost.query<{ count: number }>('select count(*)::int as count from deliveries'))[0]?.count ?? 0;

test('an event for 10,000 webhooks: the dispatcher dies half-way, each webhook gets it, by one delivery, and no transaction takes a second', async () => {
  await makeWebhooks();
  const transactions = watchTransactions();
  const victim = await signpost.addDispatcher();
  const id = await signpost.publish({ eventType: 'call.ended', data: { n: 1 } });
  // Some of the pages are in the database, and not all.
  await waitFor(async () => (await countDeliveries()) > 0, { intervalMs: 1, description: 'the fan-out has begun' });
  await victim.kill();
  const made = await countDeliveries();
  expect(made).toBeLessThan(webhooks);
  await signpost.addDispatcher();
  await waitUntilNothingPends(signpost, 90_000);

  expect(new Set(receiver.requests.map(({ path }) => path)).size).toBe(webhooks);
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
  const [deliveries] = await signpost.query(
    `select count(*)::int as all, count(distinct webhook_id)::int as webhooks,
       count(*) filter (where status = 'succeeded')::int as succeeded from deliveries`,
  );
  expect(deliveries).toEqual({ all: webhooks, webhooks, succeeded: webhooks });
  expect(await transactions.end()).toBeLessThan(1000);
}, 180_000);
