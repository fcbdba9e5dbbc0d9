/** Why a call was refused or failed: what `code` of a problem may be. */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** For the documentation: when it happens and what helps. */
  readonly help: string;
}

/** The registry of problem codes. Codes are never renamed or reused; `/docs/errors` lists them from here. */
export const problemCodes = {
  invalid_json: {
    status: 400,
    title: 'The body is not JSON.',
    help: 'The body could not be read as JSON (RFC 8259), or begins with a byte order mark. The detail names the position.',
  },
  invalid_encoding: {
    status: 400,
    title: 'The body is not UTF-8.',
    help: 'JSON between systems is UTF-8 (RFC 8259, section 8.1); the body holds bytes that are not.',
  },
  body_too_deep: {
    status: 400,
    title: 'The body is nested too deeply.',
    help: 'Objects and arrays may stand inside each other 64 levels deep.',
  },
  request_incomplete: {
    status: 400,
    title: 'The request ended before its body was complete.',
    help: 'The connection was closed while the body was being sent. Send the request again.',
  },
  malformed_request: {
    status: 400,
    title: 'The request is not HTTP.',
    help: 'The head of the request breaks HTTP/1.1, so that nothing could be read from it.',
  },
  unauthorized: {
    status: 401,
    title: 'The key is missing or not valid.',
    help: 'Send `Authorization: Bearer <key>` with a key that has not been revoked.',
  },
  forbidden_scope: {
    status: 403,
    title: 'The key may not do this.',
    help: 'The key is valid but lacks the scope that the detail names. Use another key, or make one with that scope.',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing.',
    help: 'The path is unknown, or the id does not exist in the workspace of the key.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The path does not know this method.',
    help: 'The `Allow` header lists the methods that it knows.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive.',
    help: 'The head must arrive within 10 seconds, the whole request within 60.',
  },
  conflict: {
    status: 409,
    title: 'It exists already.',
    help: 'Something with that name exists. Choose another name, or change what is there.',
  },
  webhook_deleted: {
    status: 409,
    title: 'The webhook was deleted.',
    help: 'The delivery is still in the log, but there is nowhere to send it. Publish the event again for the webhook that took over.',
  },
  payload_expunged: {
    status: 409,
    title: 'The payload was expunged.',
    help: 'The delivery is still in the log, but what it would send has been taken away for good. Publish what may be sent as a new event.',
  },
  too_many_secrets: {
    status: 409,
    title: 'Too many secrets sign already.',
    help: 'Ten secrets of a webhook may sign at the same time. Wait until one has expired, or rotate with `overlap_seconds` 0.',
  },
  too_many_event_types: {
    status: 409,
    title: 'The workspace has too many event types.',
    help: 'A workspace has at most 1000 event types, and their schemas together at most 8 MiB of JSON. Delete those that nobody publishes, or shorten schemas.',
  },
  contract_in_use: {
    status: 409,
    title: 'Webhooks or the workspace use the contract.',
    help: 'The detail says who. Give them another contract first, or make a contract of another name.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large.',
    help: 'An event may have 256 KiB, a batch 10 MiB. Put large data elsewhere and publish a link to it.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is not sent as application/json.',
    help: 'Send `Content-Type: application/json`, in UTF-8 and without a `Content-Encoding`.',
  },
  validation_failed: {
    status: 422,
    title: 'A field is wrong.',
    help: '`errors` lists each field with what is wrong. Unknown fields are refused, too.',
  },
  workspace_required: {
    status: 422,
    title: 'The workspace is not named.',
    help: 'A call with the instance key must name its workspace in the header `X-Workspace-Id`.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The idempotency key was used with another body.',
    help: 'A key stands for one event. Make a new key for every event, and reuse it only to send that event again.',
  },
  event_type_unknown: {
    status: 422,
    title: 'The event type is not in the catalogue.',
    help: 'The workspace has a catalogue of event types and this one is not in it. `errors` suggests the nearest.',
  },
  event_data_invalid: {
    status: 422,
    title: 'The data break the schema of the event type.',
    help: '`errors` lists where, and which rule of the schema is broken.',
  },
  url_refused: {
    status: 422,
    title: 'The URL is not allowed.',
    help: 'Deliveries go to public HTTPS addresses, unless the operator has allowed more.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests.',
    help: 'The key has used up its requests of this minute. `Retry-After` says when there are more.',
  },
  schema_too_slow: {
    status: 429,
    title: 'The schema of the event type takes too much time.',
    help: 'The schemas of the workspace have held up other requests for too long, as they were compiled or data were validated by them. `Retry-After` says when they are used again; simplify their patterns and references. An event type gets rid of its schema at any time: `"schema": null`.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large.',
    help: 'All headers together may have 16 KiB.',
  },
  delivery_loop: {
    status: 508,
    title: 'The call is a delivery of this very installation.',
    help: 'A webhook leads to the API that it gets its events from: each event would make another one. Point the webhook at a receiver.',
  },
  internal: {
    status: 500,
    title: 'Signpost failed.',
    help: 'The log of the API has a line with the same request id that says why. Repeating is safe with an idempotency key.',
  },
  store_unavailable: {
    status: 503,
    title: 'A store is away.',
    help: 'The database cannot be reached for now. Nothing was accepted; repeat after `Retry-After` seconds.',
  },
  test_not_sent: {
    status: 503,
    title: 'The test event was not sent.',
    help: 'The queue is away, or no dispatcher took the event in time; it was cancelled. Check that a dispatcher runs, then send it again.',
  },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof problemCodes;
