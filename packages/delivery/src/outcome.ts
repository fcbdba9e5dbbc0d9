import type { AttemptErrorCode } from './attempt-errors.ts';

/**
 * How far an attempt can get, in order. `queued`: it waits for a connection. `dns`, `connect`, `tls`: a connection is
 * opened for it. `request`: at least a part of the request may have been written, so that the receiver may have it.
 * `response`: a complete response head came.
 */
export const attemptPhases = ['queued', 'dns', 'connect', 'tls', 'request', 'response'] as const;

export type AttemptPhase = (typeof attemptPhases)[number];

/**
 * What each phase took by itself, in whole ms begun and ended (rounded down, so that the parts never exceed the total).
 * Null where the attempt did not go through the phase (the connection was open already, the host is an IP address, the
 * URL is plain http) or did not get through it.
 */
export interface AttemptTimings {
  readonly dnsMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  /** From the first byte of the request handed to the socket to the first byte that came back. */
  readonly firstByteMs: number | null;
}

/** The timings of an attempt that never began. */
export const noTimings: AttemptTimings = Object.freeze({
  dnsMs: null,
  connectMs: null,
  tlsMs: null,
  firstByteMs: null,
});

interface Reached {
  /** The last phase that was entered. */
  readonly phase: AttemptPhase;
  readonly timings: AttemptTimings;
  /** Everything, the wait for a connection included, in whole ms. */
  readonly durationMs: number;
}

/** The receiver sent a complete response head; the body is what was read of it, bounded. The phase is `response`. */
export interface ResponseOutcome extends Reached {
  readonly kind: 'response';
  readonly statusCode: number;
  /** Lower-case names; a header that came several times is joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True where more came than is kept, or where the body ended early. */
  readonly bodyTruncated: boolean;
}

/** No usable response head arrived. In phase `request` the receiver may nevertheless have acted on the request. */
export interface NoResponseOutcome extends Reached {
  readonly kind: 'no_response';
  readonly code: AttemptErrorCode;
  readonly message: string;
}

/** Whether the receiver has the request: `unknown` where it may have it although no answer came back. */
export const receipts = ['yes', 'no', 'unknown'] as const;
export type Receipt = (typeof receipts)[number];

/**
 * @param phase how far the attempt got; null where nobody saw it
 * @param hasResponse whether a response came: tells it for attempts that were recorded without their phase
 */
export function receiptOf(phase: AttemptPhase | null, hasResponse: boolean): Receipt {
  if (hasResponse || phase === 'response') return 'yes';
  return phase === null || phase === 'request' ? 'unknown' : 'no';
}

/** What happened to one request. */
export type AttemptOutcome = ResponseOutcome | NoResponseOutcome;
