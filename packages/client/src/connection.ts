import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

export interface SignpostClientOptions {
  /** Where the API is: `https://signpost.example.com`, with a path in front of `/v1` if it has one. */
  readonly baseUrl: string | URL;
  /** `sk_live_…` or `KEY_ID:KEY_SECRET`. */
  readonly apiKey: string;
  /** `ws_…`; needed with an instance key only. */
  readonly workspaceId?: string;
  /** Time for one try, from the name's look-up to the last byte of the answer. Default 10 s. */
  readonly timeoutMs?: number;
  /** Time for a call with all its retries and waits. Default 60 s. */
  readonly deadlineMs?: number;
  /** Tries after the first. Default 5; 0 for none. */
  readonly retryLimit?: number;
  /** Agent of your own, for a proxy or a private certificate authority. It stays open at `close()`. */
  readonly agent?: HttpAgent | HttpsAgent;
}

/** Checked options. Lives in closures alone: it holds the API key. */
export interface Connection {
  /** Ends in a slash. */
  readonly baseUrl: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: HttpAgent | HttpsAgent;
  /** True where the agent was made here. */
  readonly ownsAgent: boolean;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly retryLimit: number;
  /** Replaces the API key and its secret half wherever they stand in a text. */
  readonly hideKey: (text: string) => string;
}

/** @throws {TypeError} naming the option that is wrong, never its value */
export function openConnection(options: SignpostClientOptions): Connection {
  const baseUrl = readBaseUrl(options.baseUrl);
  const { apiKey, workspaceId } = options;
  requireHeaderText('apiKey', apiKey);
  if (workspaceId !== undefined) requireHeaderText('workspaceId', workspaceId);
  const agent = options.agent ?? new (baseUrl.protocol === 'https:' ? HttpsAgent : HttpAgent)({ keepAlive: true });
  return {
    baseUrl,
    headers: {
      authorization: `Bearer ${apiKey}`,
      accept: 'application/json, application/problem+json',
      'user-agent': 'signpost-client',
      ...(workspaceId === undefined ? {} : { 'x-workspace-id': workspaceId }),
    },
    agent,
    ownsAgent: options.agent === undefined,
    timeoutMs: wholeNumber('timeoutMs', options.timeoutMs, 10_000, 1),
    deadlineMs: wholeNumber('deadlineMs', options.deadlineMs, 60_000, 1),
    retryLimit: wholeNumber('retryLimit', options.retryLimit, 5, 0),
    hideKey: keyHider(apiKey),
  };
}

function readBaseUrl(value: string | URL): URL {
  const url = URL.canParse(String(value)) ? new URL(String(value)) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new TypeError('baseUrl must be an http or https URL');
  if (url.username !== '' || url.password !== '') throw new TypeError('baseUrl must not hold a user name or password');
  if (url.search !== '' || url.hash !== '') throw new TypeError('baseUrl must not have a query or a fragment');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** Anything else would end the header or be refused by Node with a less helpful error. */
function requireHeaderText(name: string, value: unknown): void {
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new TypeError(`${name} must be a text of printable ASCII characters without spaces`);
}

/** The longest delay of a Node timer; anything above it would fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/** @throws {TypeError} unless it is a whole number from `least` on that a timer can hold */
export function wholeNumber(name: string, value: number | undefined, fallback: number, least: number): number {
  const number = value ?? fallback;
  if (!Number.isSafeInteger(number) || number < least || number > maxTimerMs)
    throw new TypeError(`${name} must be a whole number from ${least} to ${maxTimerMs}`);
  return number;
}

function keyHider(apiKey: string): (text: string) => string {
  const secret = apiKey.slice(apiKey.indexOf(':') + 1);
  // A secret of a few characters is no secret; replacing it would tear words apart.
  const hidden = [apiKey, secret].filter(text => text.length >= 8);
  return text => hidden.reduce((shown, part) => shown.replaceAll(part, '[api key]'), text);
}
