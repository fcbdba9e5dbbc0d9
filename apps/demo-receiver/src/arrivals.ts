import type { IncomingHttpHeaders } from 'node:http';

/** One webhook that came in, as it is shown to people. */
export interface Arrival {
  receivedAtMs: number;
  /** With the query string. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** From the body's `type`; undefined if there is none. */
  eventType: string | undefined;
  /** The header `webhook-id`: the same for every attempt of one delivery. */
  webhookId: string | undefined;
  check: SignatureCheck;
  /** The status it was answered with. */
  answeredStatus: number;
}

export type SignatureCheck = { kind: 'verified' } | { kind: 'refused'; reason: string };

export interface Arrivals {
  add(arrival: Arrival): void;
  newestFirst(): readonly Arrival[];
}

/** The last arrivals, in memory. */
export function createArrivals(capacity: number): Arrivals {
  const kept: Arrival[] = [];
  return {
    add: arrival => {
      kept.unshift(arrival);
      kept.length = Math.min(kept.length, capacity);
    },
    newestFirst: () => kept,
  };
}

/** The event type in the body of the standard envelope. */
export function eventTypeOf(body: Buffer): string | undefined {
  try {
    const envelope: unknown = JSON.parse(body.toString('utf8'));
    if (typeof envelope !== 'object' || envelope === null || !('type' in envelope)) return undefined;
    return typeof envelope.type === 'string' ? envelope.type : undefined;
  } catch {
    return undefined;
  }
}
