import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { connectedClient } from './connection.ts';

/**
 * Tells whether Redis still has every job that Postgres knows of: the `run_id` of the server that was filled last, under a
 * key beside the queues' own. What wipes them wipes it, and a server that restarted or was replaced has another `run_id`.
 */
export interface CompletenessMark {
  /** If not, any job may be missing. */
  isComplete(): Promise<boolean>;
  /** Begins to add every job. @returns a name for this rebuild, which no other has */
  beginRebuild(): Promise<string>;
  /** Whether what this rebuild has added is still there: Redis was not wiped or restarted, and no other rebuild began. */
  isRebuilding(rebuild: string): Promise<boolean>;
  /** Notes that every job is there, unless {@link CompletenessMark.isRebuilding} says otherwise. */
  finishRebuild(rebuild: string): Promise<void>;
}

export const markKey = 'signpost:complete';

/** Reads the answer of INFO. */
export function runIdOf(info: string): string {
  return /^run_id:(.*)$/m.exec(info)?.[1]?.trim() ?? 'unknown';
}

export function createCompletenessMark(queue: Queue): CompletenessMark {
  const connect = () => connectedClient(queue);
  const readRunId = async (): Promise<string> => runIdOf(await (await connect()).info());
  const isRebuilding = async (rebuild: string): Promise<boolean> => {
    const client = await connect();
    const [mark, runId] = await Promise.all([client.get(markKey), readRunId()]);
    return mark === rebuild && rebuild.startsWith(`rebuilding ${runId} `);
  };
  return {
    async isComplete() {
      const client = await connect();
      const [mark, runId] = await Promise.all([client.get(markKey), readRunId()]);
      return mark === runId;
    },
    async beginRebuild() {
      const client = await connect();
      const rebuild = `rebuilding ${await readRunId()} ${randomUUID()}`;
      await client.set(markKey, rebuild);
      return rebuild;
    },
    isRebuilding,
    async finishRebuild(rebuild) {
      if (await isRebuilding(rebuild)) await (await connect()).set(markKey, await readRunId());
    },
  };
}
