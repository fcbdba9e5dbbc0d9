import type { Faker } from '@faker-js/faker';

/** What one synthetic value is made from. */
export interface Generation {
  readonly faker: Faker;
  /** The whole schema, in which `$ref` is looked up. */
  readonly root: unknown;
  /** When the event happened, Unix milliseconds. */
  readonly referenceMs: number;
  /** Whether what the event tells about lies behind: its appointments are then in the past, too. */
  readonly over: boolean;
  /** What each value of the example became: equal values stay equal, such as an id that stands in two places. */
  readonly replaced: Map<string, string | number>;
  /** Bounds the size; shared by all parts of one value. */
  readonly budget: { nodes: number };
  /** Who was named last: an e-mail address goes with it. */
  readonly person: { first: string; last: string; company: string };
}

/** Where a value stands. */
export interface Place {
  /** Name of the member; that of the array for its items. */
  readonly name: string;
  /** Name of the member that the object with it is the value of. */
  readonly parent: string;
  readonly depth: number;
}

/** A schema as an object; `true` and `false` are `{}` by the time they are read. */
export type SchemaNode = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The name in small letters with `_` between its words: `startsAt` becomes `starts_at`. */
export function snakeName(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
