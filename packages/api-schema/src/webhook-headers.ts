import { isJsonObject } from './fields.ts';

const maxHeaders = 20;
const maxHeaderBytes = 4096;
/** A field name (RFC 9110, section 5.1: token). */
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
/** Printable ASCII: anything else is read differently by different receivers, or ends the header. */
const fieldValue = /^[\x20-\x7e\t]*$/;

/** Set by the delivery itself, by the connection, or dangerous to let anyone choose. */
const reservedNames = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'cookie',
  'accept-encoding',
  // Names the installation, so that its API refuses what it sent itself.
  'user-agent',
]);
const reservedPrefix = /^(webhook-|proxy-|:)/;

/**
 * What is wrong with the extra headers of a webhook.
 *
 * @returns a sentence for each wrong header; `name` is the header's, null where the whole is wrong
 */
export function findHeaderFaults(headers: unknown): { readonly name: string | null; readonly message: string }[] {
  if (!isJsonObject(headers)) return [{ name: null, message: 'must be an object of names and values' }];
  const names = Object.keys(headers);
  if (names.length > maxHeaders) return [{ name: null, message: `must not have more than ${maxHeaders} headers` }];
  const seen = new Set<string>();
  return names.flatMap(name => {
    const message = faultOf(name, headers[name]) ?? (seen.has(name.toLowerCase()) ? 'is given twice' : null);
    seen.add(name.toLowerCase());
    return message === null ? [] : [{ name, message }];
  });
}

function faultOf(name: string, value: unknown): string | null {
  const lower = name.toLowerCase();
  if (!fieldName.test(name)) return 'is not the name of a header';
  if (reservedNames.has(lower) || reservedPrefix.test(lower) || lower === '__proto__')
    return 'is set by Signpost itself and cannot be chosen';
  if (typeof value !== 'string') return 'must have a string as its value';
  if (value.length > maxHeaderBytes) return `must not be longer than ${maxHeaderBytes} bytes`;
  if (!fieldValue.test(value)) return 'must have printable ASCII as its value';
  return value === value.trim() ? null : 'must not begin or end with a space';
}
