/**
 * The registry of reasons why an attempt failed. `error.code` of an attempt is always one of these; the documentation
 * lists each with what to do (docs/failure-modes.md; a test compares the two).
 */
export const attemptErrors = {
  http_status: 'The receiver answered with a status that does not count as delivered.',
  redirect_not_followed:
    'The receiver answered with a redirect. Redirects are never followed: update the URL of the webhook.',
  gone: 'The receiver says that the webhook is gone. The webhook has been deactivated: activate it if that was a mistake.',
  timeout: 'The attempt did not finish before its deadline.',
  timeout_dns: 'The name of the receiver was not resolved before the deadline.',
  timeout_connect: 'The connection was not established before the deadline.',
  timeout_headers: 'The receiver accepted the request but did not answer before the deadline.',
  dns_not_found: 'The name of the receiver does not exist.',
  dns_failed: 'The name of the receiver could not be resolved.',
  address_blocked: 'The address of the receiver is not allowed.',
  connect_refused: 'Nothing listens at the address of the receiver.',
  connect_unreachable: 'The address of the receiver cannot be reached.',
  connect_failed: 'The connection to the receiver could not be established.',
  connection_reset: 'The receiver closed the connection before it answered.',
  tls_expired: 'The certificate of the receiver has expired or is not valid yet.',
  tls_hostname_mismatch: 'The certificate of the receiver belongs to another host name.',
  tls_untrusted: 'The certificate of the receiver is not signed by a trusted authority.',
  tls_failed: 'The TLS handshake with the receiver failed.',
  protocol_error: 'The receiver did not answer in valid HTTP/1.1.',
  response_headers_too_large: 'The header section of the answer is too large.',
  response_too_large: 'The receiver sent very much without a complete response head.',
  request_too_large:
    'The request would be larger than Signpost sends: the templates of the contract make too much of this event.',
  url_invalid: 'The URL of the webhook is not valid any more.',
  dispatcher_lost:
    'The dispatcher that made this attempt ended before it could record the outcome. The receiver may have the request.',
  not_recorded:
    'A fault of Signpost kept the outcome of this attempt from being stored. The log of the dispatcher says why.',
  superseded:
    'The delivery had moved on when this attempt ended: it was cancelled, or another dispatcher had taken it over. The outcome counts for nothing.',
  quarantined: 'A fault of Signpost kept breaking this delivery. It was set aside; the log of the dispatcher says why.',
  internal: 'Signpost could not make the request. The log of the dispatcher says why.',
} as const;

export type AttemptErrorCode = keyof typeof attemptErrors;

/** Why an attempt failed, in words a receiver's author can act on. */
export interface AttemptError {
  readonly code: AttemptErrorCode;
  readonly message: string;
}
