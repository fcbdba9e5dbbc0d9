import type { AttemptErrorCode } from './attempt-errors.ts';

/** The receiver sent a complete response head; the body is what was read of it, bounded. */
export interface ResponseOutcome {
  readonly kind: 'response';
  readonly statusCode: number;
  /** Lower-case names; a header that came several times is joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True where more came than is kept, or where the body ended early. */
  readonly bodyTruncated: boolean;
  readonly durationMs: number;
}

/** No usable response head arrived. */
export interface NoResponseOutcome {
  readonly kind: 'no_response';
  readonly code: AttemptErrorCode;
  readonly message: string;
  /** True where the request was at least partly written, so that the receiver may have acted on it. */
  readonly requestSent: boolean;
  readonly durationMs: number;
}

/** What happened to one request. */
export type AttemptOutcome = ResponseOutcome | NoResponseOutcome;
