import type { Agent as HttpsAgent } from 'node:https';
import got, { type Got } from 'got';
import type { Connection } from './connection.ts';

/** One call of the API, as it is sent by each of its tries. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the base URL: `v1/events`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
}

/** What became of one try. */
export type TryOutcome =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly text: string;
    }
  /** No connection: the request was not sent. */
  | { readonly kind: 'unreached'; readonly cause: Error }
  /** The connection broke; `passing` where another try may fare better. */
  | { readonly kind: 'broken'; readonly cause: Error; readonly passing: boolean }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'too_large' };

/** A full page is 100 events of 256 KiB and their deliveries. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Faults of connecting (`man 2 connect`, `man 3 getaddrinfo`): nothing was sent. */
const unreachedCodes = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN']);

/** Faults of a connection that was there, or of its end. Others, such as a wrong certificate, do not pass. */
const passingCodes = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
  'ERR_READING_RESPONSE_STREAM',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_EOF_STATE',
]);

export type SendTry = (request: ApiRequest, timeoutMs: number, signal?: AbortSignal) => Promise<TryOutcome>;

/** Sends single tries over the connection. The sender does not throw: whatever happens is an outcome. */
export function createSender({ baseUrl, headers, agent, hideKey }: Connection): SendTry {
  const client = got.extend({
    headers: { ...headers },
    agent: baseUrl.protocol === 'https:' ? { https: agent as HttpsAgent } : { http: agent },
    // Retries belong to the call, which has a deadline and knows what may be repeated.
    retry: { limit: 0 },
    // A redirect would carry the key to another address.
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
  });
  return async (request, timeoutMs, signal) => {
    const url = new URL(request.path, baseUrl);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    return withinTime(timeoutMs, signal, cut => exchange(client, url, request, cut, hideKey));
  };
}

type Exchange =
  | Extract<TryOutcome, { kind: 'answer' | 'unreached' | 'broken' | 'too_large' }>
  | { readonly kind: 'cut' };

/** Runs an exchange that ends early by the time or by the caller's signal, and leaves no timer or listener behind. */
async function withinTime(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  run: (cut: AbortController) => Promise<Exchange>,
): Promise<TryOutcome> {
  const cut = new AbortController();
  let cutBy: 'timeout' | 'aborted' = 'timeout';
  const abort = (): void => {
    cutBy = 'aborted';
    cut.abort();
  };
  if (signal?.aborted) return { kind: 'aborted' };
  signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => cut.abort(), timeoutMs);
  try {
    const outcome = await run(cut);
    return outcome.kind === 'cut' ? { kind: cutBy } : outcome;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function exchange(
  client: Got,
  url: URL,
  { method, body }: ApiRequest,
  cut: AbortController,
  hideKey: (text: string) => string,
): Promise<Exchange> {
  let tooLarge = false;
  try {
    const pending = client(url, {
      method,
      signal: cut.signal,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    });
    void pending.on('downloadProgress', ({ transferred }) => {
      tooLarge = transferred > maxAnswerBytes;
      if (tooLarge) cut.abort();
    });
    const { statusCode, headers, body: text } = await pending;
    return { kind: 'answer', status: statusCode, headers, text };
  } catch (error) {
    if (tooLarge) return { kind: 'too_large' };
    return cut.signal.aborted ? { kind: 'cut' } : describeFault(error, hideKey);
  }
}

/** got's own errors hold the request's headers, the key among them, so only code and message go on. */
function describeFault(error: unknown, hideKey: (text: string) => string): Exchange {
  const fault: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  const { code = 'UNKNOWN', message } = fault;
  // A refused connection to a name with several addresses has no message of its own.
  const cause = Object.assign(new Error(hideKey(message === '' ? code : message)), { code });
  if (unreachedCodes.has(code)) return { kind: 'unreached', cause };
  return { kind: 'broken', cause, passing: passingCodes.has(code) };
}
