import { timingSafeEqual } from 'node:crypto';
import {
  type ApiKeyAccess,
  type Database,
  findApiKeyAccess,
  findWorkspaceAccess,
  type WorkspaceAccess,
} from '@signpost/database';
import type { Clock } from '@signpost/runtime';
import { hashKeySecret } from './key-secret.ts';

/** Who a secret belongs to. */
export type KeyHolder = { readonly kind: 'instance' } | { readonly kind: 'key'; readonly key: ApiKeyAccess };

/**
 * Looks up secrets and workspaces, and remembers them for a second: a publish asks the database nothing. What another
 * process changes is therefore seen here up to a second later; after a change of its own, a process forgets at once.
 */
export interface AccessRegistry {
  /** @returns null for a secret that no key has, or that a revoked one had */
  findKeyHolder(secret: string): Promise<KeyHolder | null>;
  findWorkspace(workspaceId: string): Promise<WorkspaceAccess | null>;
  /** After a change to keys, workspaces or event types. */
  forget(): void;
}

export interface AccessRegistryOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** The instance's own key; null: there is none. */
  readonly adminApiKey: string | null;
}

const lifeMs = 1000;
/** Unknown secrets are remembered, too, and anyone can send those: the bound keeps them from filling the memory. */
const maxEntries = 10_000;

export function createAccessRegistry({ database, clock, adminApiKey }: AccessRegistryOptions): AccessRegistry {
  const adminDigest = adminApiKey === null ? null : hashKeySecret(adminApiKey);
  const keys = createBriefCache<KeyHolder>(clock);
  const workspaces = createBriefCache<WorkspaceAccess>(clock);
  return {
    findKeyHolder(secret) {
      const secretHash = hashKeySecret(secret);
      if (adminDigest !== null && timingSafeEqual(adminDigest, secretHash))
        return Promise.resolve({ kind: 'instance' });
      return keys.get(secretHash.toString('latin1'), async () => {
        const key = await findApiKeyAccess(database, secretHash);
        if (key === null || !timingSafeEqual(key.secretHash, secretHash)) return null;
        return { kind: 'key', key };
      });
    },
    findWorkspace: workspaceId => workspaces.get(workspaceId, () => findWorkspaceAccess(database, workspaceId)),
    forget() {
      keys.clear();
      workspaces.clear();
    },
  };
}

interface BriefCache<Value> {
  get(key: string, load: () => Promise<Value | null>): Promise<Value | null>;
  clear(): void;
}

/** Remembers loads for a second each; those who ask while one runs share it. A failed one is forgotten. */
function createBriefCache<Value>(clock: Clock): BriefCache<Value> {
  const entries = new Map<string, { readonly value: Promise<Value | null>; readonly expiresAtMs: number }>();
  return {
    get(key, load) {
      const nowMs = clock.nowMs();
      const known = entries.get(key);
      if (known !== undefined && known.expiresAtMs > nowMs) return known.value;
      // Deleted first, so that the map's order stays the order of expiry and the oldest goes first.
      entries.delete(key);
      if (entries.size >= maxEntries) entries.delete(entries.keys().next().value as string);
      const entry = { value: load(), expiresAtMs: nowMs + lifeMs };
      entries.set(key, entry);
      entry.value.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      return entry.value;
    },
    clear: () => entries.clear(),
  };
}
