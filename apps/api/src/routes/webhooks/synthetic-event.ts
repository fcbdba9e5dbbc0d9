import { randomInt } from 'node:crypto';
import type { CompiledContract } from '@signpost/contracts';
import { type Database, findEventType } from '@signpost/database';
import type { SchemaTime } from '../../event-catalogue/schema-time.ts';
import { createTestDataMaker, type EventTypeShape, type TestData } from '../../test-data/test-data-maker.ts';

const maxSeed = 2 ** 32 - 1;
/** When seeded events happened: with the time of the call, equal seeds would not give equal data. */
const seededReferenceMs = Date.UTC(2026, 5, 15, 9, 30);

export interface SyntheticEvent {
  readonly workspaceId: string;
  readonly contract: CompiledContract;
  readonly eventType: string;
  /** Of the workspace. */
  readonly time: SchemaTime;
  /** Undefined: other data every time, around `nowMs`. */
  readonly seed: number | undefined;
  readonly nowMs: number;
}

/**
 * Data of a test event, as the event type of the workspace describes it, else that of the contract. An event type that
 * says nothing about its data gets a small object of the usual kind.
 */
export async function makeSyntheticData(database: Database, event: SyntheticEvent): Promise<TestData> {
  const { workspaceId, contract, eventType, time, seed, nowMs } = event;
  const own = await findEventType(database, workspaceId, eventType);
  const { event_types: known, signature } = contract.document;
  const shape =
    [own, known.find(({ name }) => name === eventType)].find(
      each => each?.schema || (each?.example ?? null) !== null,
    ) ??
    // Its receivers need these members even to verify the signature.
    (signature.content.includes('{data.') ? known[0] : undefined) ??
    plainShape;
  // 10 MB and 25 ms that most processes never need.
  const { faker } = await import('@faker-js/faker/locale/en');
  const make = createTestDataMaker({ ...shape, name: eventType }, faker, time);
  return seed === undefined
    ? make({ seed: randomInt(maxSeed), referenceMs: nowMs })
    : make({ seed, referenceMs: seededReferenceMs });
}

const plainShape: Pick<EventTypeShape, 'schema' | 'example'> = {
  schema: null,
  example: {
    id: 'obj_7c1e40b25d',
    name: 'Maria Lindqvist',
    email: 'maria.lindqvist@lindqvist.example',
    amount: 4900,
    currency: 'eur',
    status: 'active',
    created_at: '2026-04-05T14:03:51Z',
  },
};
