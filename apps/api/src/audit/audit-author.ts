import type { AuditAuthor } from '@signpost/database';
import type { IncomingHttpHeaders } from 'node:http';
import type { Access } from '../access/authorize.ts';

/** Browsers' are half as long; more says nothing about who it was. */
const maxUserAgentLength = 256;

/** What of a request says who it is from. */
export interface RequestOrigin {
  readonly headers: IncomingHttpHeaders;
  readonly ip: string | null;
  readonly requestId: string;
}

/** Who asked for a change, and from where. */
export function auditAuthor({ keyId, keyName }: Access, { headers, ip, requestId }: RequestOrigin): AuditAuthor {
  return {
    actor:
      keyId === null
        ? { type: 'instance_key', id: null, name: 'ADMIN_API_KEY' }
        : { type: 'api_key', id: keyId, name: keyName },
    ip,
    userAgent: headers['user-agent']?.slice(0, maxUserAgentLength) ?? null,
    requestId,
  };
}

/** For what an API process does by itself. */
export const systemAuthor: AuditAuthor = {
  actor: { type: 'system', id: null, name: 'api' },
  ip: null,
  userAgent: null,
  requestId: null,
};
