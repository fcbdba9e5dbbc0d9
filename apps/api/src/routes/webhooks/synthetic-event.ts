import type { CompiledContract } from '@signpost/contracts';
import { type Database, findEventType } from '@signpost/database';

/**
 * Data of a test event: the example of the workspace's event type, else that of the contract, else a small object of the
 * usual kind.
 *
 * @returns JSON text
 */
export async function makeSyntheticData(
  database: Database,
  workspaceId: string,
  contract: CompiledContract,
  eventType: string,
  nowMs: number,
): Promise<string> {
  const own = await findEventType(database, workspaceId, eventType);
  const example =
    own?.example ?? contract.document.event_types.find(({ name }) => name === eventType)?.example ?? plainData(nowMs);
  return JSON.stringify(example);
}

function plainData(nowMs: number) {
  return {
    id: 'obj_7c1e40b25d',
    name: 'Maria Lindqvist',
    email: 'maria.lindqvist@example.com',
    amount: 4900,
    currency: 'eur',
    status: 'active',
    created_at: new Date(nowMs).toISOString(),
  };
}
