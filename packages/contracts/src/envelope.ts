import type { EnvelopeDocument, EnvelopeFieldDocument, EnvelopeValueDocument } from './document.ts';
import { objectMembersText, type PathTreeBuilder } from './json-path.ts';
import { MAX_BODY_BYTES, tooLarge } from './request-limits.ts';
import type { SealInput } from './seal-input.ts';
import { compilePlaceholder, compileText, validTokens, vocabulary } from './vocabulary.ts';

/** Writes the body's text around the published data text. */
export type BodyWriter = (input: SealInput, data: readonly (string | null)[]) => string;

/** Member that holds data which is no object, where its members were to be spread. */
const SPREAD_FALLBACK_NAME = 'data';

/** Compiles an envelope; the writer only concatenates, and throws `request_too_large` when that outgrows any body. */
export function compileEnvelope(envelope: EnvelopeDocument, paths: PathTreeBuilder): BodyWriter {
  if (envelope.shape === 'data') return input => input.data;
  return compileObject(envelope.fields, paths);
}

/** Whether the body changes between the attempts of one delivery. */
export function envelopeNeedsAttempt(envelope: EnvelopeDocument): boolean {
  return envelope.shape === 'object' && envelope.fields.some(fieldNeedsAttempt);
}

function fieldNeedsAttempt(field: EnvelopeFieldDocument): boolean {
  if ('fields' in field) return field.fields.some(fieldNeedsAttempt);
  if (!('value' in field)) return false;
  return validTokens(field.value, 'envelope').some(
    token => token.kind === 'placeholder' && vocabulary.get(token.name)?.perAttempt,
  );
}

function compileObject(fields: readonly EnvelopeFieldDocument[], paths: PathTreeBuilder): BodyWriter {
  const members = fields.map(field => compileField(field, paths));
  return (input, data) => {
    let text = '';
    for (const write of members) {
      const member = write(input, data);
      if (member === '') continue;
      text += text === '' ? member : `,${member}`;
      if (text.length > MAX_BODY_BYTES) throw tooLarge('The body', MAX_BODY_BYTES);
    }
    return `{${text}}`;
  };
}

/** A writer of `"name":value`, or of nothing when the member is left out. */
function compileField(field: EnvelopeFieldDocument, paths: PathTreeBuilder): BodyWriter {
  if ('spread' in field) {
    // Published text between its braces, untouched; data that is no object stays whole, under a name of its own.
    return input => objectMembersText(input.data) ?? `"${SPREAD_FALLBACK_NAME}":${input.data}`;
  }
  const name = `${JSON.stringify(field.name)}:`;
  if ('constant' in field) {
    const member = name + JSON.stringify(field.constant);
    return () => member;
  }
  if ('fields' in field) {
    const write = compileObject(field.fields, paths);
    return (input, data) => name + write(input, data);
  }
  return compileValue(name, field, paths);
}

function compileValue(name: string, field: EnvelopeValueDocument, paths: PathTreeBuilder): BodyWriter {
  const tokens = validTokens(field.value, 'envelope');
  const [only] = tokens;
  if (tokens.length !== 1 || only?.kind !== 'placeholder') {
    const read = compileText(tokens, paths, false);
    return (input, data) => name + JSON.stringify(read(input, data, ''));
  }
  const read = compilePlaceholder(only, paths);
  const quoted = vocabulary.get(only.name)?.type === 'string' || field.as === 'string';
  const absent = absentMember(name, field.when_absent ?? 'null');
  return (input, data) => {
    const value = read(input, data);
    if (value === null) return absent;
    return name + (quoted ? JSON.stringify(value) : value);
  };
}

function absentMember(name: string, rule: 'null' | 'omit' | 'empty_object'): string {
  if (rule === 'omit') return '';
  return name + (rule === 'null' ? 'null' : '{}');
}
