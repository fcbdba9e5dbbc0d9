import type { AttemptErrorCode, AttemptPhase } from '@signpost/delivery';
import { errors } from 'undici';

/** Why no response came, before it is known how long that took. */
export interface Failure {
  readonly kind: 'failed';
  readonly code: AttemptErrorCode;
  readonly message: string;
}

/** A response that breaks HTTP/1.1 in a way that is found before undici's parser sees it. */
export class ProtocolViolation extends Error {
  readonly code = 'SIGNPOST_PROTOCOL_VIOLATION';
}

/** More came than any answer may have, and no complete head among it. */
export class ResponseTooLarge extends Error {
  readonly code = 'SIGNPOST_RESPONSE_TOO_LARGE';
}

/** The connection ended while it was idle, before the request was written: another connection is taken. */
export class ConnectionGone extends Error {
  readonly code = 'SIGNPOST_CONNECTION_GONE';
}

const speakHttp = 'Check that the port speaks HTTP/1.1, and what a proxy in front of the receiver adds.';

const untrustedCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  // What Node has no name for, such as a signature by SHA-1 or a key that is too short: OpenSSL's words say which.
  'UNSPECIFIED',
]);

const lostCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTCONN',
]);

/** The `code` of an error of Node or undici, or an empty string. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return '';
  return typeof error.message === 'string' ? error.message : '';
}

/** Names an error of `connect(2)`. */
export function connectFailure(error: unknown): Failure {
  const code = errorCode(error);
  switch (code) {
    case 'ECONNREFUSED':
      return failed(
        'connect_refused',
        'The receiver refused the connection. Check that it is running and listens on the port of the URL.',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
      return failed(
        'connect_unreachable',
        'The network of the receiver cannot be reached. Check its address, firewall and routes.',
      );
    case 'ECONNRESET':
      return failed(
        'connection_reset',
        'The receiver reset the connection as it was made. Look for a crash, a full queue or a firewall there.',
      );
    case 'ETIMEDOUT':
    case 'ERR_SOCKET_CONNECTION_TIMEOUT':
      return failed(
        'timeout_connect',
        'The receiver did not accept the connection in time. Check its firewall and that it is running.',
      );
    default:
      return failed(
        'connect_failed',
        `The connection to the receiver could not be established (${code || 'unknown'}). Check its address, port and firewall.`,
      );
  }
}

/** Names an error of the TLS handshake. */
export function tlsFailure(error: unknown, hostname: string): Failure {
  const code = errorCode(error);
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return failed('tls_expired', 'The certificate of the receiver has expired or is not valid yet. Renew it.');
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'ERR_TLS_CERT_ALTNAME_FORMAT') {
    return failed(
      'tls_hostname_mismatch',
      `The certificate of the receiver is not valid for ${hostname}. Install one that names this host.`,
    );
  }
  if (untrustedCodes.has(code)) {
    const reason = code === 'UNSPECIFIED' ? errorText(error) : code;
    return failed(
      'tls_untrusted',
      `The certificate of the receiver is not trusted (${reason}). Install one of a public authority, with its intermediate certificates.`,
    );
  }
  return failed(
    'tls_failed',
    `The TLS handshake with the receiver failed (${code || 'unknown'}). It must offer TLS 1.2 or 1.3 with HTTP/1.1.`,
  );
}

/**
 * Names an error that ended an exchange before a response head was complete.
 *
 * @param peerEnded whether the receiver had closed its side: undici gives one code to that and to unexpected bytes
 */
export function exchangeFailure(error: unknown, peerEnded: boolean): Failure {
  const code = errorCode(error);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return failed(
      'response_headers_too_large',
      'The header section of the response is larger than 16 KiB. Send fewer and shorter headers and cookies.',
    );
  }
  if (error instanceof ProtocolViolation) return failed('protocol_error', `${error.message} ${speakHttp}`);
  if (error instanceof ResponseTooLarge) {
    return failed(
      'response_too_large',
      'The receiver sent 1 MiB without a complete response head. Answer with a status line, headers and a short body.',
    );
  }
  if (lostCodes.has(code) || (code === 'UND_ERR_SOCKET' && peerEnded)) {
    return failed(
      'connection_reset',
      'The receiver closed the connection before it answered, and may have handled the request. Look for a crash, a restart or a shorter time-out there.',
    );
  }
  // undici's parser error has no code; its message is llhttp's reason.
  if (error instanceof errors.HTTPParserError)
    return failed('protocol_error', `${error.message || 'The response is not valid HTTP/1.1'}. ${speakHttp}`);
  if (code === 'UND_ERR_SOCKET' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || code === 'ERR_ASSERTION') {
    return failed('protocol_error', `The response is not valid HTTP/1.1. ${speakHttp}`);
  }
  // TLS 1.3 lets the client speak first, so that a refusal (a client certificate is missing) comes this late.
  if (code.startsWith('ERR_SSL_'))
    return failed(
      'tls_failed',
      `The receiver ended the TLS session (${code}). It must not ask for a client certificate.`,
    );
  return failed(
    'internal',
    `Signpost could not make the request (${code || 'unknown'}). This is not the receiver's fault: tell the operator.`,
  );
}

/** Whether the receiver ended the connection: by a reset, or by closing its side. See {@link exchangeFailure}. */
export function isConnectionEnd(error: unknown, peerEnded: boolean): boolean {
  const code = errorCode(error);
  return code === 'ECONNRESET' || code === 'EPIPE' || (code === 'UND_ERR_SOCKET' && peerEnded);
}

/** Names a deadline that passed before a response head was complete. */
export function deadlineFailure(phase: AttemptPhase, timeoutMs: number): Failure {
  const limit = `within ${timeoutMs} ms`;
  switch (phase) {
    case 'queued':
      return failed(
        'timeout',
        `No connection to the receiver was free ${limit}: earlier requests to it still wait for an answer. Answer faster: first answer, then do the work.`,
      );
    case 'dns':
      return failed('timeout_dns', `The host name was not resolved ${limit}. Check that its name servers answer.`);
    case 'connect':
      return failed(
        'timeout_connect',
        `The receiver did not accept the connection ${limit}. Check its firewall and that it is running.`,
      );
    case 'tls':
      return failed(
        'timeout_connect',
        `The receiver did not finish the TLS handshake ${limit}. Check that the port speaks TLS, and how busy it is.`,
      );
    case 'request':
    case 'response':
      return failed(
        'timeout_headers',
        `The receiver took the request but did not answer ${limit}. Answer first, then do the work.`,
      );
  }
}

/** Builds a failure. */
export function failed(code: AttemptErrorCode, message: string): Failure {
  return { kind: 'failed', code, message };
}
