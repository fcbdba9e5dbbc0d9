import { makeCompany, makeEmail, makePerson, slug, varyText } from './example-text.ts';
import { type Generation, type Place, type SchemaNode, snakeName } from './generation.ts';
import { makeSentence } from './sentences.ts';
import { readTime, timeFor, writeDate, writeIsoSeconds } from './times.ts';

/** No text is made longer than this, however long the schema wants it. */
const maxLength = 10_000;

/** A text that follows the schema: the first of several that does, the most realistic ones first. */
export function makeText(
  generation: Generation,
  node: SchemaNode,
  example: string | undefined,
  place: Place,
): string | undefined {
  const { replaced } = generation;
  const accepts = createCheck(node);
  for (const make of candidates(generation, node, example, place)) {
    const text = fitLength(make() ?? '', node);
    if (text === null || !accepts(text)) continue;
    if (example !== undefined && example.length > 2) replaced.set(example, text);
    return text;
  }
  return example;
}

function candidates(
  generation: Generation,
  node: SchemaNode,
  example: string | undefined,
  place: Place,
): readonly (() => string | undefined)[] {
  const { faker, replaced } = generation;
  const { format, pattern } = node;
  const time = readTime(example, place.name);
  const known = example === undefined ? undefined : replaced.get(example);
  return [
    ...(typeof known === 'string' ? [() => known] : []),
    ...(time === null ? [] : [() => String(time.write(timeFor(generation, place)))]),
    ...(example === undefined || time !== null ? [] : [() => varyText(generation, example, place)]),
    ...(typeof format === 'string' ? [() => byFormat(generation, format, place)] : []),
    () => byName(generation, place),
    ...(typeof pattern === 'string' ? [() => byPattern(generation, pattern)] : []),
    ...(example === undefined ? [] : [() => example]),
    () => faker.word.words(3),
    () => faker.string.alphanumeric(12),
  ];
}

function createCheck({ pattern, format, enum: allowed }: SchemaNode): (text: string) => boolean {
  const expression = typeof pattern === 'string' ? toExpression(pattern) : null;
  const form = typeof format === 'string' ? forms.get(format) : undefined;
  return text =>
    expression?.test(text) !== false &&
    form?.test(text) !== false &&
    (!Array.isArray(allowed) || allowed.includes(text));
}

function toExpression(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return null;
  }
}

/** Coarse: they keep a name from the place of an address; the whole value is validated in the end. */
const forms: ReadonlyMap<string, RegExp> = new Map([
  ['email', /^[^@\s]+@[^@\s]+$/],
  ['uri', /^[a-z][a-z0-9+.-]*:\S+$/i],
  ['url', /^https?:\/\/\S+$/],
  ['uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i],
  ['date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d/],
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['time', /^\d\d:\d\d:\d\d/],
  ['ipv4', /^\d+(\.\d+){3}$/],
  ['ipv6', /:/],
  ['hostname', /^[a-z0-9.-]+$/i],
  ['duration', /^P/],
]);

/** Cuts or lengthens where neither pattern nor format would break. @returns null where it cannot fit */
function fitLength(text: string, { minLength, maxLength: most, pattern, format }: SchemaNode): string | null {
  // Lengths of JSON Schema count characters, not UTF-16 units.
  const characters = Array.from(text);
  const least = typeof minLength === 'number' ? minLength : 0;
  const limit = typeof most === 'number' ? most : maxLength;
  if (characters.length >= least && characters.length <= limit) return text;
  if (pattern !== undefined || format !== undefined || least > maxLength || least > limit) return null;
  if (characters.length > limit) return characters.slice(0, limit).join('').trimEnd().padEnd(least, 'a');
  return (text === '' ? 'a' : `${text} `)
    .repeat(Math.ceil(least / Math.max(characters.length, 1)))
    .slice(0, Math.max(least, characters.length))
    .replace(/ $/, 'a');
}

function byFormat(generation: Generation, format: string, place: Place): string | undefined {
  const { faker } = generation;
  const ms = (): number => timeFor(generation, place);
  switch (format) {
    case 'email':
      return makeEmail(generation);
    case 'uri':
    case 'url':
    case 'iri':
      return `https://${slug(faker.company.name())}.example/${slug(faker.word.noun())}/${faker.string.alphanumeric({ length: 10, casing: 'lower' })}`;
    case 'uri-reference':
      return `/${slug(faker.word.noun())}/${faker.string.alphanumeric({ length: 10, casing: 'lower' })}`;
    case 'uuid':
      return faker.string.uuid();
    case 'date-time':
      return writeIsoSeconds(ms());
    case 'date':
      return writeDate(ms());
    case 'time':
      return writeIsoSeconds(ms()).slice(11);
    case 'ipv4':
      return `192.0.2.${faker.number.int({ min: 1, max: 254 })}`;
    case 'ipv6':
      return `2001:db8::${faker.string.hexadecimal({ length: 4, casing: 'lower', prefix: '' })}`;
    case 'hostname':
      return `${slug(faker.company.name())}.example`;
    case 'duration':
      return `PT${faker.number.int({ min: 1, max: 59 })}M`;
    default:
      return undefined;
  }
}

/** What a text of that name usually is. */
function byName(generation: Generation, place: Place): string {
  const { faker } = generation;
  const name = snakeName(place.name);
  const parent = snakeName(place.parent);
  if (/e_?mail/.test(name)) return makeEmail(generation);
  if (/phone|mobile|(from|to)_number/.test(name))
    return `+1${faker.helpers.arrayElement(['212', '312', '415', '617', '702'])}55501${faker.string.numeric(2)}`;
  if (/ur[li]$|link$|href/.test(name)) return byFormat(generation, 'uri', place) ?? '';
  if (/currency/.test(name)) return faker.helpers.arrayElement(['EUR', 'USD', 'GBP']);
  if (/company|organi[sz]ation/.test(name)) return makeCompany(generation);
  if (/^(first|given)_name$/.test(name)) return faker.person.firstName();
  if (/^(last|family)_name$|surname/.test(name)) return faker.person.lastName();
  if (/(^|_)name$/.test(name))
    return /product|item|plan|sku/.test(parent) ? faker.commerce.productName() : makePerson(generation);
  if (/user_?name|login|handle/.test(name)) return slug(makePerson(generation));
  if (/street|address/.test(name)) return faker.location.streetAddress();
  if (/city/.test(name)) return faker.location.city();
  if (/country/.test(name)) return faker.location.countryCode();
  if (/zip|postal/.test(name)) return faker.string.numeric(5);
  if (/(^|_)(at|on|timestamp)$|_time$/.test(name)) return writeIsoSeconds(timeFor(generation, place));
  if (name.endsWith('date')) return writeDate(timeFor(generation, place));
  if (/(^|_)(id|key|ref|reference|number|code|token)$/.test(name)) return makeId(generation, name, parent);
  if (/text|message|body|summary|note|title|description|subject|comment/.test(name))
    return makeSentence(faker, `${parent}_${name}`);
  if (/status|state$/.test(name)) return 'active';
  if (/locale|language/.test(name)) return 'en';
  return faker.word.noun();
}

/** `customer_id` becomes `cus_…`: three letters of what it names. */
function makeId({ faker }: Generation, name: string, parent: string): string {
  const subject = name.replace(/_?(id|key|ref|reference|number|code|token)$/, '') || parent || 'obj';
  return `${subject.replaceAll('_', '').slice(0, 3)}_${faker.string.alphanumeric({ length: 12, casing: 'lower' })}`;
}

function byPattern({ faker }: Generation, pattern: string): string | undefined {
  try {
    return faker.helpers.fromRegExp(pattern.replace(/^\^/, '').replace(/(?<!\\)\$$/, ''));
  } catch {
    return undefined;
  }
}
