import type { Faker } from '@faker-js/faker';
import { compileSchema } from '../event-catalogue/data-validator.ts';
import type { SchemaTime } from '../event-catalogue/schema-time.ts';
import { runLimited } from '../event-catalogue/run-limited.ts';
import type { Generation } from './generation.ts';
import { alignTimes } from './times.ts';
import { makeValue } from './values.ts';

/** What the data of an event type look like. */
export interface EventTypeShape {
  readonly name: string;
  /** JSON Schema 2020-12; null: any data. */
  readonly schema: unknown;
  /** Null: there is none. */
  readonly example: unknown;
}

export interface TestDataRequest {
  /** Equal seeds give equal data. */
  readonly seed: number;
  /** When the event happened, Unix milliseconds: its times lie around it. */
  readonly referenceMs: number;
}

export type TestData =
  | { readonly kind: 'made'; readonly text: string }
  /** Neither could data be made that follow the schema, nor does the example. */
  | { readonly kind: 'impossible' }
  /** The schemas of the workspace have taken too much time lately. */
  | { readonly kind: 'resting'; readonly restMs: number };

const tries = 8;
const maxNodes = 3000;
const maxBytes = 200 * 1024;
/** Making data holds up every other request of the process: a pattern that backtracks without end is given up, in ms. */
const timeLimitMs = 300;
/** What honest schemas take, in ms; what goes beyond is taken from the workspace's allowance. */
const freeMs = 10;

/**
 * Makes realistic data for an event type: new for every seed, shaped like the example, valid by the schema. Where that
 * does not come about, because the schema ties members together in a way that only a person sees, the example itself.
 *
 * @param time of the workspace
 */
export function createTestDataMaker(
  { name, schema, example }: EventTypeShape,
  faker: Faker,
  time: SchemaTime,
): (request: TestDataRequest) => TestData {
  const hasSchema = typeof schema === 'object' && schema !== null;
  const restMs = hasSchema ? time.restMs() : 0;
  if (restMs > 0) return () => ({ kind: 'resting', restMs });
  const compiled = hasSchema ? compileSchema(JSON.stringify(schema), time) : null;
  const isValid = (text: string): boolean =>
    compiled?.kind !== 'compiled' || compiled.validator.validate(JSON.parse(text), text.length).length === 0;
  return request => {
    const startedMs = performance.now();
    for (let round = 0; round < tries && performance.now() - startedMs < timeLimitMs; round += 1) {
      faker.seed([request.seed, round]);
      const make = () => makeData(faker, { name, schema, example }, request.referenceMs);
      const made = time.charge(freeMs, () => runLimited(make, timeLimitMs));
      if (made.kind === 'timeout') break;
      if (made.result !== undefined && made.result.length <= maxBytes && isValid(made.result))
        return { kind: 'made', text: made.result };
    }
    const text = example === null || example === undefined ? null : JSON.stringify(example);
    return text !== null && isValid(text) ? { kind: 'made', text } : { kind: 'impossible' };
  };
}

function makeData(faker: Faker, { name, schema, example }: EventTypeShape, referenceMs: number): string | undefined {
  const generation: Generation = {
    faker,
    root: schema,
    referenceMs,
    over: /complet|ended|finish|deliver|failed|closed|paid/i.test(name),
    replaced: new Map(),
    budget: { nodes: maxNodes },
    person: { first: '', last: '', company: '' },
  };
  const data = makeValue(generation, schema, example ?? undefined, { name: '', parent: '', depth: 0 });
  alignTimes(generation, data);
  return JSON.stringify(data);
}
