import { setTimeout as delay } from 'node:timers/promises';
import { type Database, ensureWorkspace, insertApiKey, isDatabaseUnavailable } from '@signpost/database';
import { type Clock, formatId, type Logger, makeUuid } from '@signpost/runtime';
import { hashKeySecret, keySecretHint } from './access/key-secret.ts';
import { systemAuthor } from './audit/audit-author.ts';
import { apiKeyFacts, workspaceFacts } from './audit/audited-facts.ts';
import { fieldsOf } from './audit/audit-changes.ts';

export interface BootstrapOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** SIGNPOST_API_KEY */
  readonly secret: string;
  /** Called when the key is there. */
  readonly onDone: () => void;
}

export interface Bootstrap {
  /** Resolves after the first try: the key is there, or it will be tried again while Postgres is away. */
  readonly firstTry: Promise<void>;
  stop(): Promise<void>;
}

const retryDelayMs = 500;

/** Makes the workspace `default` and a key with the given secret, where they are missing. */
export function startBootstrap(options: BootstrapOptions): Bootstrap {
  const stopped = new AbortController();
  const firstTry = tryOnce(options, 'warn');
  const retry = async (succeeded: boolean): Promise<void> => {
    for (let there = succeeded; !there && !stopped.signal.aborted; there = await tryOnce(options, 'debug'))
      await delay(retryDelayMs, undefined, { signal: stopped.signal }).catch(() => {});
  };
  // What the first try throws is for those who wait for it.
  const done = firstTry.then(retry, () => {});
  return {
    firstTry: firstTry.then(() => {}),
    async stop() {
      stopped.abort();
      await done;
    },
  };
}

/** @returns false where Postgres is away */
async function tryOnce(
  { database, clock, logger, secret, onDone }: BootstrapOptions,
  level: 'warn' | 'debug',
): Promise<boolean> {
  try {
    const id = makeUuid(clock.nowMs());
    const workspace = await ensureWorkspace(database, { id, name: 'default', contract: 'standard' }, made => ({
      author: systemAuthor,
      action: 'workspace.created',
      workspaceId: made.id,
      resourceId: formatId('workspace', made.id),
      changes: fieldsOf(workspaceFacts(made)),
    }));
    const key = { id: makeUuid(clock.nowMs()), workspaceId: workspace.id, name: 'SIGNPOST_API_KEY' };
    await insertApiKey(
      database,
      { ...key, scopes: ['admin'], secretHash: hashKeySecret(secret), secretHint: keySecretHint(secret) },
      made => ({
        author: systemAuthor,
        action: 'api_key.created',
        workspaceId: workspace.id,
        resourceId: formatId('apiKey', made.id),
        changes: fieldsOf(apiKeyFacts(made)),
      }),
    );
    onDone();
    return true;
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    logger[level]({ error }, 'Postgres is away; the key of SIGNPOST_API_KEY waits for it');
    return false;
  }
}
