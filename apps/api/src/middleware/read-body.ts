import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isUtf8 } from 'node:buffer';
import type { BodyItems } from '@signpost/api-schema';
import { type Problem, problem } from '../errors/problem.ts';
import type { Span } from '../publishing/json-spans.ts';
import { isDeeperThan } from './json-depth.ts';
import { locateJsonFault } from './json-fault.ts';
import { maxBesideItems, parseItems } from './parse-items.ts';

/** A JSON body: its exact text, and what it says. */
export interface JsonBody {
  readonly kind: 'body';
  readonly text: string;
  readonly value: unknown;
  /** Where the items of the operation's array stand in the text; none where it has no such array. */
  readonly items: readonly Span[];
}

export interface BodyLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** True: a request without a body counts as `{}`. */
  readonly optional: boolean;
  /** The array whose items are parsed one by one. */
  readonly items?: BodyItems | undefined;
}

/** A body that is too large by less than this is read to its end and thrown away, so that its sender hears the answer. */
const maxDiscardedBytes = 1024 * 1024;

const noItems: readonly Span[] = [];

const jsonType = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Reads and parses the body of a request. At most `maxBytes` of it are kept in memory. */
export async function readJsonBody(request: IncomingMessage, limits: BodyLimits): Promise<JsonBody | Problem> {
  const { headers } = request;
  if (limits.optional && isWithoutBody(headers)) return { kind: 'body', text: '{}', value: {}, items: noItems };
  const refused = checkHeaders(headers);
  if (refused !== null) return refused;
  const bytes = await readBytes(request, limits.maxBytes);
  return Buffer.isBuffer(bytes) ? parseBody(bytes, limits) : bytes;
}

function isWithoutBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0';
}

function checkHeaders(headers: IncomingHttpHeaders): Problem | null {
  if (!jsonType.test(headers['content-type'] ?? ''))
    return problem('unsupported_media_type', 'Send the body with Content-Type: application/json, in UTF-8.');
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity')
    return problem('unsupported_media_type', 'Send the body without a Content-Encoding.', {
      headers: { 'accept-encoding': 'identity' },
    });
  return null;
}

function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer | Problem> {
  const tooLarge = problem('payload_too_large', `The body may have ${maxBytes} bytes.`, {
    headers: { connection: 'close' },
  });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes + maxDiscardedBytes) return Promise.resolve(tooLarge);
  return new Promise(resolve => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else if (length > maxBytes + maxDiscardedBytes) resolve(tooLarge);
      else chunks.length = 0;
    });
    request.on('end', () => {
      if (length > maxBytes) resolve(tooLarge);
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
    });
    const incomplete = (): void => resolve(problem('request_incomplete'));
    request.on('error', incomplete);
    request.on('close', incomplete);
  });
}

function parseBody(bytes: Buffer, { maxDepth, items }: BodyLimits): JsonBody | Problem | Promise<JsonBody | Problem> {
  if (!isUtf8(bytes)) return problem('invalid_encoding', 'The body holds bytes that are not UTF-8.');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return problem('invalid_json', 'The body begins with a byte order mark; position 0.');
  if (isDeeperThan(bytes, maxDepth))
    return problem('body_too_deep', `The body is nested more than ${maxDepth} levels deep.`);
  const text = bytes.toString('utf8');
  if (items !== undefined) return parseInItems(text, items);
  try {
    return { kind: 'body', text, value: JSON.parse(text), items: noItems };
  } catch {
    return problem('invalid_json', describeFault(text, locateJsonFault(text)));
  }
}

async function parseInItems(text: string, items: BodyItems): Promise<JsonBody | Problem> {
  const parsed = await parseItems(text, items);
  if (parsed.kind === 'fault') return problem('invalid_json', describeFault(text, parsed.offset));
  if (parsed.kind === 'too_much_beside')
    return problem(
      'payload_too_large',
      `Beside the items of ${items.member}, the body may have ${maxBesideItems} characters.`,
    );
  return { kind: 'body', text, value: parsed.value, items: parsed.items };
}

function describeFault(text: string, offset: number): string {
  if (offset >= text.length) return `The body ends before the JSON is complete, at position ${offset}.`;
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', lineStart)) {
    line += 1;
    lineStart = end + 1;
  }
  return `The body is not JSON from position ${offset} on (line ${line}, column ${offset - lineStart + 1}).`;
}
