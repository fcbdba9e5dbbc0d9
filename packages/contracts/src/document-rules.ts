import type { DocumentError } from './document-error.ts';
import type { ContractDocument, EnvelopeFieldDocument, HeaderDocument } from './document.ts';
import { type TemplatePlace, validTokens } from './vocabulary.ts';

/** Each is read anew for every request; contracts of providers have some dozens. */
const MAX_PLACEHOLDERS = 1000;

/** Errors that only show when several members of a well-formed document are read together. */
export function findContradictions(document: ContractDocument): DocumentError[] {
  return [
    ...repeatedEventTypes(document),
    ...repeatedHeaders(document),
    ...signatureContradictions(document),
    ...secretContradictions(document),
    ...rangeContradictions(document),
    ...tooManyPlaceholders(document),
  ];
}

function tooManyPlaceholders({ envelope, headers, signature }: ContractDocument): DocumentError[] {
  const inHeaders = (some: readonly HeaderDocument[], place: TemplatePlace): number =>
    some.reduce((sum, header) => sum + countAll(header.value, place), 0);
  const all =
    countOfFields(envelope.shape === 'data' ? [] : envelope.fields) +
    inHeaders(headers, 'header') +
    inHeaders(signature.headers, 'signature_header') +
    countAll(signature.content, 'signed_content');
  if (all <= MAX_PLACEHOLDERS) return [];
  return [
    {
      path: 'envelope',
      message: `must have, with the headers and the signed content, at most ${MAX_PLACEHOLDERS} placeholders; it has ${all}`,
    },
  ];
}

function countOfFields(fields: readonly EnvelopeFieldDocument[]): number {
  return fields.reduce((sum, field) => {
    if ('fields' in field) return sum + countOfFields(field.fields);
    return sum + ('value' in field ? countAll(field.value, 'envelope') : 0);
  }, 0);
}

function repeatedEventTypes(document: ContractDocument): DocumentError[] {
  return repeats(document.event_types.map(type => type.name)).map(index => ({
    path: `event_types.${index}.name`,
    message: 'is the name of an event type above',
  }));
}

/** Header names compare without case: a receiver would see one header with two values. */
function repeatedHeaders(document: ContractDocument): DocumentError[] {
  const all: { path: string; header: HeaderDocument }[] = [
    ...document.headers.map((header, index) => ({ path: `headers.${index}.name`, header })),
    ...document.signature.headers.map((header, index) => ({ path: `signature.headers.${index}.name`, header })),
  ];
  return repeats(all.map(entry => entry.header.name.toLowerCase())).map(index => ({
    path: all[index]?.path ?? '',
    message: 'is the name of a header above',
  }));
}

function signatureContradictions(document: ContractDocument): DocumentError[] {
  const { algorithm, content, format, separator, headers } = document.signature;
  const errors: DocumentError[] = [];
  const keyed = algorithm !== 'md5' && algorithm !== 'sha256';
  const namesSecret = count(content, 'secret', 'signed_content') > 0;
  if (!keyed && !namesSecret) {
    errors.push({ path: 'signature.content', message: `must name {secret}, because ${algorithm} has no key` });
  }
  if (keyed && namesSecret) {
    errors.push({ path: 'signature.content', message: `must not name {secret}, because ${algorithm} has a key` });
  }
  if (count(format, 'signature', 'signature_format') !== 1) {
    errors.push({ path: 'signature.format', message: 'must name {signature} once' });
  }
  if (separator !== null && format.includes(separator)) {
    errors.push({ path: 'signature.separator', message: 'must not occur in the format' });
  }
  headers.forEach((header, index) => {
    if (count(header.value, 'signatures', 'signature_header') !== 1) {
      errors.push({ path: `signature.headers.${index}.value`, message: 'must name {signatures} once' });
    }
  });
  return errors;
}

function secretContradictions(document: ContractDocument): DocumentError[] {
  const { secret, signature } = document;
  const errors: DocumentError[] = [];
  if (signature.algorithm === 'ed25519') return [...errors, ...ed25519Contradictions(document)];
  if (secret.min_length > secret.max_length) {
    errors.push({ path: 'secret.max_length', message: 'must not be less than min_length' });
  }
  // base64url without padding: four characters for three bytes.
  const generated = secret.encoding === 'text' ? Math.ceil((secret.generated_bytes * 4) / 3) : secret.generated_bytes;
  if (generated < secret.min_length || generated > secret.max_length) {
    errors.push({ path: 'secret.generated_bytes', message: 'must make secrets between min_length and max_length' });
  }
  return errors;
}

/** An Ed25519 secret is a seed of 32 bytes, and is printed with the 32 bytes of the public key after it. */
function ed25519Contradictions({ secret }: ContractDocument): DocumentError[] {
  const errors: DocumentError[] = [];
  if (secret.key !== 'decoded') errors.push({ path: 'secret.key', message: 'must be "decoded" for ed25519' });
  if (secret.encoding === 'text')
    errors.push({ path: 'secret.encoding', message: 'must be base64 or hex for ed25519' });
  if (secret.generated_bytes !== 32) {
    errors.push({ path: 'secret.generated_bytes', message: 'must be 32, the seed of an ed25519 key' });
  }
  if (secret.max_length < 64) errors.push({ path: 'secret.max_length', message: 'must be 64 or more for ed25519' });
  return errors;
}

function rangeContradictions(document: ContractDocument): DocumentError[] {
  const errors: DocumentError[] = [];
  const { success, methods } = document;
  if (success.from > success.to) errors.push({ path: 'success.to', message: 'must not be less than from' });
  success.disable_on.forEach((code, index) => {
    if (code >= success.from && code <= success.to) {
      errors.push({ path: `success.disable_on.${index}`, message: 'is a status code that means success' });
    }
  });
  for (const index of repeats(methods)) errors.push({ path: `methods.${index}`, message: 'is named twice' });
  return errors;
}

function countAll(template: string, place: TemplatePlace): number {
  return validTokens(template, place).filter(token => token.kind === 'placeholder').length;
}

function count(template: string, name: string, place: TemplatePlace): number {
  return validTokens(template, place).filter(token => token.kind === 'placeholder' && token.name === name).length;
}

/** Positions of the values that stood earlier in the list. */
function repeats(values: readonly string[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []));
}
