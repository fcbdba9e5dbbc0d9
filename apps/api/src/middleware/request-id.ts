import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Printable ASCII without spaces: safe to echo, to log and to search for. */
const saneId = /^[\x21-\x7e]{1,128}$/;

/** The caller's `X-Request-Id` if it can be echoed, else a new one. */
export function chooseRequestId(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && saneId.test(given) ? given : randomUUID();
}
