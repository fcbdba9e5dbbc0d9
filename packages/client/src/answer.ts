import type { FieldError } from './errors.ts';

/** The body of an answer is not what the API documents. The message says where. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer';
}

/** @throws {InvalidAnswer} */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message quotes the text, which may hold a secret.
    throw new InvalidAnswer('the body is not JSON');
  }
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads the fields of one object of an answer by name; each method throws `InvalidAnswer` where the type is another. */
export interface Fields {
  text(name: string): string;
  textOrNull(name: string): string | null;
  integer(name: string): number;
  integerOrNull(name: string): number | null;
  flag(name: string): boolean;
  oneOf<const T extends string>(name: string, values: readonly T[]): T;
  oneOfOrNull<const T extends string>(name: string, values: readonly T[]): T | null;
  list<T>(name: string, readItem: (item: Fields) => T): T[];
  texts(name: string): string[];
  integersOrNull(name: string): number[] | null;
  /** An object with texts as its values. */
  textsByName(name: string): Record<string, string>;
  object(name: string): Fields;
  objectOrNull(name: string): Fields | null;
  /** Anything that JSON can say; only a missing field is refused. */
  value(name: string): unknown;
  /** An object whose members are the caller's own. */
  freeObject(name: string): Record<string, unknown>;
  has(name: string): boolean;
}

/**
 * @param value a parsed body, or a part of it
 * @param path where it stands, for the message; empty for the whole body
 * @throws {InvalidAnswer} where it is no object
 */
export function fieldsOf(value: unknown, path = ''): Fields {
  if (!isObject(value)) throw new InvalidAnswer(`${path === '' ? 'the body' : path} is not an object`);
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const field = <T>(name: string, kind: string, is: (found: unknown) => found is T): T => {
    const found = Object.hasOwn(value, name) ? value[name] : undefined;
    if (!is(found)) throw new InvalidAnswer(`${at(name)} is not ${kind}`);
    return found;
  };
  const isNull = (name: string): boolean => value[name] === null;
  const fields: Fields = {
    text: name => field(name, 'a text', isText),
    textOrNull: name => (isNull(name) ? null : fields.text(name)),
    integer: name => field(name, 'a whole number', isInteger),
    integerOrNull: name => (isNull(name) ? null : fields.integer(name)),
    flag: name => field(name, 'true or false', found => typeof found === 'boolean'),
    oneOf: <const T extends string>(name: string, values: readonly T[]) =>
      field(name, `one of ${values.join(', ')}`, (found): found is T => values.some(known => known === found)),
    oneOfOrNull: (name, values) => (isNull(name) ? null : fields.oneOf(name, values)),
    list: (name, readItem) =>
      field(name, 'a list', isList).map((item, index) => readItem(fieldsOf(item, `${at(name)}[${index}]`))),
    texts: name => [...field(name, 'a list of texts', isListOf(isText))],
    integersOrNull: name => (isNull(name) ? null : [...field(name, 'a list of whole numbers', isListOf(isInteger))]),
    textsByName: name => ({ ...field(name, 'an object of texts', isObjectOfTexts) }),
    object: name => fieldsOf(value[name], at(name)),
    objectOrNull: name => (isNull(name) ? null : fields.object(name)),
    value: name => field(name, 'there', found => found !== undefined),
    freeObject: name => field(name, 'an object', isObject),
    has: name => Object.hasOwn(value, name),
  };
  return fields;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isListOf =
  <T>(isItem: (value: unknown) => value is T) =>
  (value: unknown): value is readonly T[] =>
    isList(value) && value.every(isItem);
const isObjectOfTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every(isText);

/** What a problem (RFC 9457) of the API says. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly errors: readonly FieldError[];
}

/** @returns null where the text is no problem of the API, e.g. a proxy's page */
export function readProblem(text: string): Problem | null {
  try {
    const fields = fieldsOf(readJson(text));
    return { ...readRefusal(fields), requestId: fields.has('request_id') ? fields.text('request_id') : null };
  } catch (error) {
    if (error instanceof InvalidAnswer) return null;
    throw error;
  }
}

/** The part that a problem and a refused item of a batch have in common. */
export function readRefusal(fields: Fields): Omit<Problem, 'requestId'> {
  return {
    code: fields.text('code'),
    detail: fields.text('detail'),
    errors: fields.has('errors')
      ? fields.list('errors', item => ({ path: item.text('path'), message: item.text('message') }))
      : [],
  };
}
