import type { ContractDocument, EnvelopeFieldDocument } from './document.ts';
import { PathTreeBuilder, type PathTree } from './json-path.ts';
import type { TemplateToken } from './template.ts';
import { validTokens } from './vocabulary.ts';

/** The parts of a document that a receiver needs. */
export type ReceivedContract = Pick<ContractDocument, 'name' | 'envelope' | 'headers' | 'signature' | 'secret'>;

/** A header as a receiver reads it: `keys[i]` is the placeholder that capture `i + 1` of the pattern holds. */
export interface ReadableHeader {
  readonly name: string;
  readonly pattern: RegExp;
  readonly keys: readonly string[];
}

/** Where a receiver finds every value that was signed: the contract's templates, turned round once. */
export interface ReceiverPlan {
  readonly contract: ReceivedContract;
  readonly signatureHeaders: readonly ReadableHeader[];
  readonly headers: readonly ReadableHeader[];
  /** Slot of the body's value for a placeholder; empty when nothing in the body is looked at. */
  readonly bodySlots: ReadonlyMap<string, number>;
  readonly bodyTree: PathTree;
  readonly content: readonly TemplateToken[];
  /** The body must be read before the signature can be computed. */
  readonly contentNeedsBodyValues: boolean;
  /** Placeholder whose signed value is the attempt's time; null when the contract signs none. */
  readonly timestampKey: string | null;
}

const TIME_KEYS = ['timestamp', 'timestamp.unix_milliseconds', 'timestamp.iso_seconds', 'timestamp.iso_milliseconds'];

/** The name under which a placeholder's value is kept: `event.id`, `data.bookingId`. */
export function placeholderKey(token: TemplateToken & { kind: 'placeholder' }): string {
  return [token.name, ...token.path].join('.');
}

/** Turns a contract's document round for a receiver. */
export function planReceiver(contract: ReceivedContract): ReceiverPlan {
  const content = validTokens(contract.signature.content, 'signed_content');
  const signatureHeaders = contract.signature.headers.map(header =>
    readable(header.name, header.value, 'signature_header'),
  );
  const headers = contract.headers.map(header => readable(header.name, header.value, 'header')).filter(hasKeys);
  const wanted = new Set([
    ...content.flatMap(token => (token.kind === 'placeholder' ? [placeholderKey(token)] : [])),
    ...[...signatureHeaders, ...headers].flatMap(header => header.keys),
    ...TIME_KEYS,
  ]);
  const paths = new PathTreeBuilder();
  const bodySlots = new Map<string, number>();
  for (const [key, path] of bodyPaths(contract, wanted)) bodySlots.set(key, paths.add(path));
  return {
    contract,
    signatureHeaders,
    headers,
    bodySlots,
    bodyTree: paths.build(),
    content,
    contentNeedsBodyValues: content.some(token => token.kind === 'placeholder' && bodySlots.has(placeholderKey(token))),
    timestampKey: signedTimestamp(content, bodySlots),
  };
}

const hasKeys = (header: ReadableHeader): boolean => header.keys.length > 0;

/** A template as a pattern. Beside other parts, a value ends at a list separator. */
function readable(name: string, template: string, place: 'header' | 'signature_header'): ReadableHeader {
  const keys: string[] = [];
  let source = '';
  for (const token of validTokens(template, place)) {
    if (token.kind === 'literal') {
      source += token.text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
      continue;
    }
    const key = placeholderKey(token);
    keys.push(key);
    if (key === 'signatures') source += '(.+)';
    else source += keys.length > 1 || template.includes(',') ? '([^,;]*)' : '(.*)';
  }
  return { name: name.toLowerCase(), pattern: new RegExp(`^${source}$`, 's'), keys };
}

/** Where in the body the wanted placeholders stand. Values that stand there twice are read from the first place. */
function bodyPaths(contract: ReceivedContract, wanted: ReadonlySet<string>): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const dataKeys = [...wanted].filter(key => key.startsWith('data.'));
  const addData = (at: readonly string[]): void => {
    for (const key of dataKeys) {
      if (!found.has(key)) found.set(key, [...at, ...key.split('.').slice(1)]);
    }
  };
  const walk = (fields: readonly EnvelopeFieldDocument[], at: readonly string[]): void => {
    for (const field of fields) {
      if ('spread' in field) {
        addData(at);
      } else if ('fields' in field) {
        walk(field.fields, [...at, field.name]);
      } else if ('value' in field) {
        const [only, ...more] = validTokens(field.value, 'envelope');
        if (only?.kind !== 'placeholder' || more.length > 0) continue;
        const key = placeholderKey(only);
        if (key === 'data') addData([...at, field.name]);
        else if (wanted.has(key) && !found.has(key)) found.set(key, [...at, field.name]);
      }
    }
  };
  if (contract.envelope.shape === 'data') addData([]);
  else walk(contract.envelope.fields, []);
  return found;
}

/** A time that is not under the signature proves nothing, so only a signed one counts. */
function signedTimestamp(content: readonly TemplateToken[], bodySlots: ReadonlyMap<string, number>): string | null {
  const keys = content.flatMap(token => (token.kind === 'placeholder' ? [placeholderKey(token)] : []));
  const direct = keys.find(key => TIME_KEYS.includes(key));
  if (direct !== undefined) return direct;
  if (!keys.includes('body')) return null;
  return [...bodySlots.keys()].find(key => TIME_KEYS.includes(key)) ?? null;
}
