import { type Database, loadWebhookTargets, type WebhookTarget, webhookSecretContext } from '@signpost/database';
import { createMicroBatch, type Encryption } from '@signpost/runtime';
import { LRUCache } from 'lru-cache';

/** A webhook, ready to be sent to. */
export interface PreparedTarget {
  readonly id: string;
  readonly version: number;
  readonly url: string;
  readonly method: string | null;
  readonly customHeaders: Readonly<Record<string, string>>;
  /** Names the installation: the API knows by it what comes from its own dispatchers. */
  readonly userAgent: string;
  /** Null: the contract's, as the next one is. */
  readonly timeoutMs: number | null;
  readonly retryScheduleSeconds: readonly number[] | null;
  readonly secrets: readonly { readonly text: string; readonly expiresAtMs: number | null }[];
  /** Why no request to it can be made: its secrets do not open. Each attempt records that. */
  readonly fault: Error | null;
}

export interface WebhookTargets {
  /**
   * @param version the webhook's version as the delivery was loaded with it. What is cached under it cannot be stale: every
   *   change of a webhook gives it a new version
   * @returns null where the webhook was deleted meanwhile
   */
  get(webhookId: string, version: number): Promise<PreparedTarget | null>;
}

/** Room for webhooks, in characters: 32 Mi of them are 32 to 64 MiB. Headers alone may take 80 KiB. */
const defaultMaxCharacters = 32 * 1024 * 1024;
/** What else there is of one: ids, numbers, the objects themselves. */
const charactersAside = 500;

export function createWebhookTargets(
  database: Database,
  encryption: Encryption,
  maxCharacters = defaultMaxCharacters,
): WebhookTargets {
  const cache = new LRUCache<string, PreparedTarget>({
    max: 20_000,
    maxSize: maxCharacters,
    sizeCalculation: charactersOf,
  });
  const batch = createMicroBatch<string, PreparedTarget | null>({
    maxItems: 100,
    intervalMs: 6,
    concurrency: 2,
    async run(ids) {
      const found = new Map((await loadWebhookTargets(database, ids)).map(target => [target.id, target]));
      return ids.map(id => {
        const target = found.get(id);
        return target === undefined ? null : prepare(target, encryption);
      });
    },
  });
  return {
    async get(webhookId, version) {
      const known = cache.get(webhookId);
      // A newer one than asked for is as good: the webhook changed between the two reads.
      if (known !== undefined && known.version >= version) return known;
      const target = await batch.add(webhookId);
      if (target !== null) cache.set(webhookId, target);
      return target;
    },
  };
}

function charactersOf({ url, customHeaders, secrets }: PreparedTarget): number {
  let total = charactersAside + url.length;
  for (const [name, value] of Object.entries(customHeaders)) total += name.length + value.length;
  for (const { text } of secrets) total += text.length;
  return total;
}

function prepare(target: WebhookTarget, encryption: Encryption): PreparedTarget {
  const { secrets, fault } = openSecrets(target, encryption);
  return {
    id: target.id,
    version: target.version,
    url: target.url,
    method: target.method,
    customHeaders: target.headers,
    userAgent: `Signpost/0.1 (installation ${encryption.installationIds[0]})`,
    timeoutMs: target.timeoutMs,
    retryScheduleSeconds: target.retrySchedule,
    secrets,
    fault,
  };
}

function openSecrets(target: WebhookTarget, encryption: Encryption): Pick<PreparedTarget, 'secrets' | 'fault'> {
  const context = webhookSecretContext(target.id);
  try {
    const secrets = target.secrets.map(secret => ({
      text: encryption.open(secret, context),
      expiresAtMs: secret.expiresAtMs,
    }));
    return { secrets, fault: null };
  } catch (error) {
    return { secrets: [], fault: error as Error };
  }
}
