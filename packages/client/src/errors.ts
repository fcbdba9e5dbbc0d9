/** What is wrong with one field of a request. `path` is such as `body.data` or `query.limit`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** Codes that the API gives (its page `/docs/errors` explains each). */
export const problemCodes = [
  'invalid_json',
  'invalid_encoding',
  'body_too_deep',
  'request_incomplete',
  'malformed_request',
  'unauthorized',
  'forbidden_scope',
  'not_found',
  'method_not_allowed',
  'request_timeout',
  'conflict',
  'webhook_deleted',
  'payload_expunged',
  'too_many_secrets',
  'too_many_event_types',
  'contract_in_use',
  'payload_too_large',
  'unsupported_media_type',
  'validation_failed',
  'workspace_required',
  'idempotency_key_reused',
  'event_type_unknown',
  'event_data_invalid',
  'url_refused',
  'rate_limited',
  'schema_too_slow',
  'headers_too_large',
  'delivery_loop',
  'internal',
  'store_unavailable',
  'test_not_sent',
] as const;
export type ProblemCode = (typeof problemCodes)[number];

/**
 * Codes that the client itself gives:
 * - `network`: the API could not be reached, or the connection broke
 * - `timeout`: no answer within the time of one try, or the deadline of the call has passed
 * - `aborted`: the caller's signal; `cause` is its reason
 * - `invalid_answer`: what came back is not an answer of the API, e.g. a proxy's page
 * - `invalid_event`: the event cannot be written as JSON; nothing was sent
 * - `closed`: the client was closed before the call; nothing was sent
 */
export type ClientErrorCode = 'network' | 'timeout' | 'aborted' | 'invalid_answer' | 'invalid_event' | 'closed';

/** An API newer than this client may give further codes. */
export type SignpostErrorCode = ProblemCode | ClientErrorCode | (string & Record<never, never>);

export interface ErrorDetails {
  readonly status?: number | null;
  readonly requestId?: string | null;
  readonly errors?: readonly FieldError[];
  readonly retryAfterMs?: number | null;
  readonly tries?: number;
  readonly idempotencyKey?: string | null;
  readonly cause?: unknown;
}

/** A call that failed for good: after its retries, or because repeating it cannot help. Never holds the API key. */
export class SignpostError extends Error {
  override readonly name: string = 'SignpostError';
  readonly code: SignpostErrorCode;
  /** HTTP status of the last answer; null where none arrived. */
  readonly status: number | null;
  /** The API's log has lines with this id. */
  readonly requestId: string | null;
  /** Which fields are wrong; empty where the API named none. */
  readonly errors: readonly FieldError[];
  /** How long the API asked to wait; null where it did not ask. */
  readonly retryAfterMs: number | null;
  /** Requests sent. */
  readonly tries: number;
  /** The key of the publish that failed. Publishing again with it cannot double the event. */
  readonly idempotencyKey: string | null;

  constructor(code: SignpostErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? null;
    this.requestId = details.requestId ?? null;
    this.errors = details.errors ?? [];
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.tries = details.tries ?? 0;
    this.idempotencyKey = details.idempotencyKey ?? null;
  }
}

/** The same failure, naming the event that it befell. */
export function withIdempotencyKey(error: SignpostError, idempotencyKey: string): SignpostError {
  return new SignpostError(error.code, error.message, { ...detailsOf(error), idempotencyKey });
}

/** What an error holds beside its code and message. */
export function detailsOf(error: SignpostError): ErrorDetails {
  const { status, requestId, errors, retryAfterMs, tries, idempotencyKey, cause } = error;
  return { status, requestId, errors, retryAfterMs, tries, idempotencyKey, cause };
}
