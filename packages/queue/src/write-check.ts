import type { Queue } from 'bullmq';
import { connectedClient } from './connection.ts';

const probeKey = 'signpost:probe';

/** @returns writes a key of a few bytes; rejects where Redis is away or refuses to write */
export function createWriteCheck(queue: Queue): () => Promise<void> {
  return async () => {
    const client = await connectedClient(queue);
    await client.set(probeKey, '1');
  };
}
