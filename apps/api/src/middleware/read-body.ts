import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { type Problem, problem } from '../errors/problem.ts';
import { isDeeperThan } from './json-depth.ts';
import { locateJsonFault } from './json-fault.ts';

/** A JSON body: its exact text, and what it says. */
export interface JsonBody {
  readonly kind: 'body';
  readonly text: string;
  readonly value: unknown;
}

export interface BodyLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** True: a request without a body counts as `{}`. */
  readonly optional: boolean;
}

/** A body that is too large by less than this is read to its end and thrown away, so that its sender hears the answer. */
const maxDiscardedBytes = 1024 * 1024;

const jsonType = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Reads and parses the body of a request. At most `maxBytes` of it are kept in memory. */
export async function readJsonBody(request: IncomingMessage, limits: BodyLimits): Promise<JsonBody | Problem> {
  const { headers } = request;
  if (limits.optional && isWithoutBody(headers)) return { kind: 'body', text: '{}', value: {} };
  const refused = checkHeaders(headers);
  if (refused !== null) return refused;
  const bytes = await readBytes(request, limits.maxBytes);
  return Buffer.isBuffer(bytes) ? parseJson(bytes, limits.maxDepth) : bytes;
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

function parseJson(bytes: Buffer, maxDepth: number): JsonBody | Problem {
  if (!isUtf8(bytes)) return problem('invalid_encoding', 'The body holds bytes that are not UTF-8.');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return problem('invalid_json', 'The body begins with a byte order mark; position 0.');
  if (isDeeperThan(bytes, maxDepth))
    return problem('body_too_deep', `The body is nested more than ${maxDepth} levels deep.`);
  const text = bytes.toString('utf8');
  try {
    return { kind: 'body', text, value: JSON.parse(text) };
  } catch {
    return problem('invalid_json', describeFault(text, locateJsonFault(text)));
  }
}

function describeFault(text: string, offset: number): string {
  if (offset >= text.length) return `The body ends before the JSON is complete, at position ${offset}.`;
  const before = text.slice(0, offset).split('\n');
  return `The body is not JSON from position ${offset} on (line ${before.length}, column ${(before.at(-1) as string).length + 1}).`;
}
