import { type Generation, type Place, snakeName } from './generation.ts';
import { makeSentence } from './sentences.ts';

/** Names whose values come from a small vocabulary that only the provider knows: the example's word is kept. */
const vocabularyName =
  /(reason|status|state|type|role|kind|action|mode|category|level|step|object|locale|language|zone)$/;
const digits = Array.from('0123456789');
const lower = Array.from('abcdefghijklmnopqrstuvwxyz');
const hexDigits = Array.from('0123456789abcdef');

/** Another text of the example's kind: same prefix and shape of an id, same host of a URL, same country of a number. */
export function varyText(generation: Generation, example: string, place: Place): string {
  const { faker } = generation;
  const name = snakeName(place.name);
  if (/^\+\d{7,15}$/.test(example)) return varyPhone(generation, example);
  if (/^https?:\/\//.test(example)) return varyUrl(generation, example);
  if (/^[^@\s]+@[^@\s]+\.[a-z]+$/.test(example)) return makeEmail(generation);
  if (/^\d\d:\d\d$/.test(example))
    return `${faker.helpers.arrayElement(['08', '09', '10', '11', '14', '15', '16'])}:${faker.helpers.arrayElement(['00', '15', '30', '45'])}`;
  if (vocabularyName.test(name)) return example;
  const named = varyByName(generation, example, name, place);
  if (named !== null) return named;
  if (!/\s/.test(example) && example.includes('/')) return varyPath(generation, example);
  if (isIdLike(example) || /registration|plate|serial/.test(name)) return varyShape(generation, example);
  if (/\s/.test(example))
    return /[.!?]$/.test(example) || isProseName(name)
      ? makeSentence(faker, `${snakeName(place.parent)}_${name}`)
      : example;
  if (isProseName(name)) return makeSentence(faker, `${snakeName(place.parent)}_${name}`);
  return /^[a-z0-9-]+$/.test(example) ? faker.word.noun().toLowerCase() : example;
}

const isProseName = (name: string): boolean =>
  /text|message|body|summary|note|title|description|subject|comment|transcript|zen/.test(name);

function varyByName(generation: Generation, example: string, name: string, { parent }: Place): string | null {
  const { faker } = generation;
  if (name.endsWith('currency')) {
    const code = faker.helpers.arrayElement(['EUR', 'USD', 'GBP', 'CHF', 'SEK', 'DKK']);
    return example === example.toLowerCase() ? code.toLowerCase() : code;
  }
  if (/^(login|user_?name|handle)$/.test(name)) return slug(makePerson(generation));
  if (name === 'reaction') return faker.helpers.arrayElement(['tada', 'eyes', 'rocket', 'thumbsup', 'heart', 'wave']);
  if (/company|organi[sz]ation$/.test(name)) return makeCompany(generation);
  if (name === 'make' || name === 'manufacturer') return faker.vehicle.manufacturer();
  if (name === 'model') return faker.vehicle.model();
  if (/^(first|given)_name$/.test(name)) return faker.person.firstName();
  if (/^(last|family)_name$/.test(name)) return faker.person.lastName();
  if (name.endsWith('city')) return faker.location.city();
  if (name.endsWith('country')) return example.length === 2 ? faker.location.countryCode() : faker.location.country();
  if (/(^|_)name$/.test(name) && /^\p{Lu}\S* \p{Lu}/u.test(example))
    return /company|product|plan|workshop/.test(snakeName(parent)) ? makeCompany(generation) : makePerson(generation);
  return null;
}

/** `ses_01hx8m2k4v`, `CA3b91f0c27de84a65`, `A7F3C2D1-0004`: no spaces, and digits among its characters. */
const isIdLike = (text: string): boolean => /^[\w.-]{3,}$/.test(text) && /\d/.test(text);

/** Keeps the prefix and puts a digit for each digit, a letter for each letter. */
function varyShape({ faker }: Generation, text: string): string {
  const prefix = /^(?:[A-Za-z]+[_-])+|^[A-Z]{2}(?=[0-9a-f]{6})|^[A-Z](?=[0-9A-Z]{8})/.exec(text)?.[0] ?? '';
  const rest = text.slice(prefix.length);
  const isHex = /^[0-9a-f]{8,}$/.test(rest);
  const varied = Array.from(rest, character => {
    if (isHex) return faker.helpers.arrayElement(hexDigits);
    if (digits.includes(character)) return faker.helpers.arrayElement(digits);
    if (lower.includes(character)) return faker.helpers.arrayElement(lower);
    return /[A-Z]/.test(character) ? faker.helpers.arrayElement(lower).toUpperCase() : character;
  });
  return prefix + varied.join('');
}

/** The last digits alone: what comes before may be a range that is reserved for examples. */
function varyPhone({ faker, replaced }: Generation, example: string): string {
  const kept = example.startsWith('+1') ? 2 : 3;
  const taken = new Set(replaced.values());
  let phone = example;
  for (let tries = 0; tries < 5 && (phone === example || taken.has(phone)); tries += 1)
    phone = example.slice(0, -kept) + faker.string.numeric(kept);
  return phone;
}

/** Ids in the path become those that the rest of the data has. */
function varyUrl(generation: Generation, example: string): string {
  const known = replaceKnown(generation, example);
  if (known !== example) return known;
  const match = /^(https?:\/\/[^/?#]+)(.*?)([^/?#]*)([?#].*)?$/.exec(example);
  if (match === null) return example;
  const [, origin = '', folder = '', last = '', query = ''] = match;
  return origin + folder + (isIdLike(last) ? varyShape(generation, last) : last) + query;
}

function varyPath(generation: Generation, example: string): string {
  const known = replaceKnown(generation, example);
  if (known !== example) return known;
  const start = example.lastIndexOf('/') + 1;
  return example.slice(0, start) + slug(`${generation.faker.word.adjective()} ${generation.faker.word.noun()}`);
}

function replaceKnown({ replaced }: Generation, example: string): string {
  for (const [old, made] of replaced)
    if (old.length >= 5 && example.includes(old)) return example.replace(old, String(made));
  return example;
}

/** Remembers whom, for the e-mail address. */
export function makePerson({ faker, person }: Generation): string {
  person.first = faker.person.firstName();
  person.last = faker.person.lastName();
  person.company = faker.company.name();
  return `${person.first} ${person.last}`;
}

/** That of the person who was named last, if any. */
export function makeCompany({ faker, person }: Generation): string {
  person.company ||= faker.company.name();
  return person.company;
}

/** At a domain that nobody can have (RFC 2606): a test must not reach a person. */
export function makeEmail(generation: Generation): string {
  const { person } = generation;
  if (person.last === '') makePerson(generation);
  const host = slug(makeCompany(generation));
  return `${slug(person.first)}.${slug(person.last)}@${host}.example`;
}

export function slug(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}
