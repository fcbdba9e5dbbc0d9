import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { standardContract } from '@signpost/contracts';
import { loadWebhookTargets, webhookSecretContext } from '@signpost/database';
import { parseId, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let key: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
  ({ key } = await api.makeWorkspace());
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function makeWebhook(fields: object = {}): Promise<{ id: string; secret: string }> {
  const { body } = await api.call('POST /v1/webhooks', {
    key,
    body: { url: 'https://example.com', events: ['*'], ...fields },
  });
  return { id: body.id, secret: body.signing_secret };
}

const rotate = (id: string, body?: object) => api.call(`POST /v1/webhooks/${id}/rotate-secret`, { key, body });

async function storedSecrets(id: string): Promise<{ text: string; expiresAtMs: number | null }[]> {
  const uuid = parseId('webhook', id) as string;
  const [target] = await loadWebhookTargets(api.dependencies.database, [uuid]);
  return (target?.secrets ?? []).map(secret => ({
    text: api.dependencies.encryption.open(secret, webhookSecretContext(uuid)),
    expiresAtMs: secret.expiresAtMs,
  }));
}

test('200: without a body a new secret is made and the old one signs for a day more', async () => {
  const { id, secret } = await makeWebhook();
  const startedMs = systemClock.nowMs();
  const rotated = await rotate(id);
  expect(rotated.status).toBe(200);
  expect(rotated.body).toEqual({
    signing_secret: expect.any(String),
    overlap: true,
    overlap_ends_at: expect.stringMatching(/Z$/),
  });
  const fresh = rotated.body.signing_secret;
  expect(standardContract.checkSecret(fresh)).toEqual({ kind: 'valid' });
  const [newest, old, ...rest] = await storedSecrets(id);
  expect([newest, old?.text, rest]).toEqual([{ text: fresh, expiresAtMs: null }, secret, []]);
  const lifeMs = (old?.expiresAtMs ?? 0) - startedMs;
  expect(lifeMs).toBeGreaterThan(86_390_000);
  expect(lifeMs).toBeLessThan(86_460_000);
  expect((await api.call(`GET /v1/webhooks/${id}`, { key })).text).not.toContain(fresh.slice(6));
});

test('200: an overlap of 0 ends the old secrets at once', async () => {
  const { id } = await makeWebhook();
  await rotate(id, { overlap_seconds: 60 });
  const rotated = await rotate(id, { overlap_seconds: 0 });
  expect(await storedSecrets(id)).toEqual([{ text: rotated.body.signing_secret, expiresAtMs: null }]);
});

test('200: a contract that carries one signature has no overlap', async () => {
  const { id } = await makeWebhook({ contract: 'github' });
  const rotated = await rotate(id, { overlap_seconds: 3600 });
  expect(rotated.body).toMatchObject({ overlap: false, overlap_ends_at: null });
  expect(await storedSecrets(id)).toEqual([{ text: rotated.body.signing_secret, expiresAtMs: null }]);
});

test("200: a secret of one's own; 422: not in the form of the contract", async () => {
  const { id } = await makeWebhook();
  const secret = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
  expect((await rotate(id, { secret })).body).toMatchObject({ signing_secret: secret });
  const wrong = await rotate(id, { secret: 'short' });
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'body.secret']);
  expect((await storedSecrets(id))[0]?.text).toBe(secret);
});

test('422: an overlap beyond 30 days', async () => {
  const { id } = await makeWebhook();
  expect((await rotate(id, { overlap_seconds: 30 * 86_400 })).status).toBe(200);
  const wrong = await rotate(id, { overlap_seconds: 30 * 86_400 + 1 });
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'body.overlap_seconds']);
});

test('409: ten secrets sign already; without an overlap it works again', async () => {
  const { id } = await makeWebhook();
  for (let n = 0; n < 9; n += 1) expect((await rotate(id)).status).toBe(200);
  const refused = await rotate(id);
  expect([refused.status, refused.body.code]).toEqual([409, 'too_many_secrets']);
  expect(await storedSecrets(id)).toHaveLength(10);
  expect((await rotate(id, { overlap_seconds: 0 })).status).toBe(200);
  expect(await storedSecrets(id)).toHaveLength(1);
});
