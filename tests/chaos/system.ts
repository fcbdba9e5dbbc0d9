import { randomBytes } from 'node:crypto';
import { freePort } from '@signpost/stores';
import { createSignpostClient, type SignpostClient } from '@signpost/client';
import { type AppSlot, createAppSlot } from './app-slot.ts';
import type { Cleanup } from './cleanup.ts';
import { type App, apis, apps, leaseMs } from './plan.ts';
import type { SeededRandom } from './random.ts';
import { type ReceiverProcess, startReceiverProcess } from './receivers.ts';
import { type ChaosPostgres, type ChaosRedis, signalAll, startChaosPostgres, startChaosRedis } from './stores.ts';
import { attemptTimeoutMs, retrySchedule, webhooks } from './traffic.ts';

/** Everything that takes part in a run. */
export interface ChaosSystem {
  readonly postgres: ChaosPostgres;
  readonly redis: ChaosRedis;
  readonly slots: ReadonlyMap<App, AppSlot>;
  readonly receivers: readonly ReceiverProcess[];
  /** One for each API. */
  readonly clients: readonly SignpostClient[];
  /** Webhook paths by their public ids. */
  readonly webhookIds: ReadonlyMap<string, string>;
}

const clientOptions = { timeoutMs: 3000, deadlineMs: 12_000, retryLimit: 3 };

/** @param cleanup is given what ends each part as soon as that part exists */
export async function startChaosSystem(random: SeededRandom, cleanup: Cleanup): Promise<ChaosSystem> {
  const postgres = await startChaosPostgres();
  cleanup.add(() => postgres.remove());
  const redis = await startChaosRedis();
  cleanup.add(() => redis.remove());
  const receivers: ReceiverProcess[] = [];
  for (const seed of [random.between(1, 1e9), random.between(1, 1e9)])
    receivers.push(await startReceiverProcess(seed, pid => cleanup.add(() => signalAll([pid], 'SIGKILL'))));
  const key = `sk_live_${randomBytes(32).toString('base64url')}`;
  const environment = {
    SIGNPOST_API_KEY: key,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ALLOW_HTTP_URLS: 'true',
    ALLOWED_PRIVATE_RANGES: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
    NODE_ENV: 'test',
    LEASE_MS: String(leaseMs),
    REPAIR_INTERVAL_MS: '300',
  };
  const slots = new Map<App, AppSlot>();
  const clients: SignpostClient[] = [];
  for (const name of apps) {
    const isApi = (apis as readonly string[]).includes(name);
    const port = isApi ? await freePort() : 0;
    const slot = await createAppSlot({ name, port, stores: { postgres, redis }, environment });
    cleanup.add(() => slot.abandon());
    slots.set(name, slot);
    await slot.start();
    if (!isApi) continue;
    const client = createSignpostClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: key, ...clientOptions });
    cleanup.add(() => client.close());
    clients.push(client);
  }
  await watchFinalStates(postgres);
  const webhookIds = await createWebhooks(clients[0] as SignpostClient, receivers);
  return { postgres, redis, slots, receivers, clients, webhookIds };
}

async function createWebhooks(
  client: SignpostClient,
  receivers: readonly ReceiverProcess[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  const secrets: Record<string, string> = {};
  for (const { path, receiver, fields } of webhooks) {
    const made = await client.webhooks.create({
      url: `${receivers[receiver]?.url}${path}`,
      events: ['*'],
      timeoutMs: attemptTimeoutMs,
      retrySchedule,
      ...fields,
    });
    ids.set(path, made.id);
    secrets[path] = made.signingSecret;
  }
  for (const receiver of receivers) receiver.setSecrets(secrets);
  return ids;
}

/** Has Postgres itself write down each time that a delivery ends: one that ends twice cannot hide. */
async function watchFinalStates({ pool }: ChaosPostgres): Promise<void> {
  await pool.query(`
    create table chaos_ends (delivery_id uuid not null, status text not null, at timestamptz not null default clock_timestamp());
    create function chaos_note_end() returns trigger language plpgsql as $$
      begin
        insert into chaos_ends (delivery_id, status) values (new.id, new.status::text);
        return null;
      end $$;
    create trigger chaos_note_end after update on deliveries for each row
      when (new.status <> 'pending' and (new.status, new.completed_at) is distinct from (old.status, old.completed_at))
      execute function chaos_note_end();`);
}
