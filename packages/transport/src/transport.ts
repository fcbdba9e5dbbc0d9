import { constants } from 'node:crypto';
import { createSecureContext, rootCertificates } from 'node:tls';
import { type AttemptOutcome, noTimings } from '@signpost/delivery';
import type { AddressPolicy, UrlRefusalCode } from './address-policy.ts';
import { Attempt } from './attempt.ts';
import { OriginPool } from './origin-pool.ts';
import { createResolver, type Resolver } from './resolver.ts';
import type { Endpoint, SocketEnvironment } from './socket-opening.ts';

/** One HTTP request. `host`, `content-length` and `connection` are written by the transport. */
export interface OutgoingRequest {
  readonly url: string;
  /** Upper case. */
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** For everything: waiting for a connection, DNS, connect, TLS, response head and body. */
  readonly timeoutMs: number;
}

export interface TransportStats {
  /** Origins with a connection, or with an attempt that waits for one. */
  readonly origins: number;
  readonly openConnections: number;
  readonly idleConnections: number;
  readonly openingConnections: number;
  readonly queuedAttempts: number;
  /** Attempts that have not ended, the queued ones among them. */
  readonly runningAttempts: number;
}

export interface Transport {
  /** Sends one request and says truthfully what happened. Never throws, never rejects, ends by the deadline. */
  send(request: OutgoingRequest): Promise<AttemptOutcome>;
  /** Takes no more requests, waits for those under way (each ends by its deadline), and closes every connection. */
  close(): Promise<void>;
  stats(): TransportStats;
}

export interface TransportOptions {
  readonly policy: AddressPolicy;
  /** Bytes of a response body that are kept; the connection of a longer one is closed. */
  readonly maxResponseBytes?: number;
  readonly connectionsPerOrigin?: number;
  /** Finds the addresses of names; asks the system's name servers by default. */
  readonly resolve?: Resolver;
  /** PEM certificates trusted besides the public authorities. */
  readonly trustedCertificates?: readonly string[];
}

/** Where one URL leads: judged and taken apart once. */
type Target =
  | { readonly kind: 'allowed'; readonly origin: string; readonly path: string; readonly endpoint: Endpoint }
  | { readonly kind: 'refused'; readonly code: 'address_blocked' | 'url_invalid'; readonly message: string };

const defaultMaxResponseBytes = 64 * 1024;
const defaultConnectionsPerOrigin = 64;
const maxKnownTargets = 5_000;

/** Headers that frame the message or steer the connection. undici refuses most of them, but sends what it is told of others. */
const reservedHeaders = new Set([
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);

/**
 * Makes the transport that sends webhooks: HTTP/1.1 over undici, guarded by the address policy. It follows no redirect,
 * uses no proxy, decodes no content encoding, and keeps no more than `maxResponseBytes` of a response.
 */
export function createTransport(options: TransportOptions): Transport {
  return new PooledTransport(options);
}

class PooledTransport implements Transport {
  readonly #policy: AddressPolicy;
  readonly #environment: SocketEnvironment;
  readonly #maxResponseBytes: number;
  readonly #connectionsPerOrigin: number;
  readonly #targets = new Map<string, Target>();
  readonly #pools = new Map<string, OriginPool>();
  #running = 0;
  #closed = false;
  #onDrained: (() => void) | null = null;

  constructor(options: TransportOptions) {
    this.#policy = options.policy;
    this.#maxResponseBytes = options.maxResponseBytes ?? defaultMaxResponseBytes;
    this.#connectionsPerOrigin = options.connectionsPerOrigin ?? defaultConnectionsPerOrigin;
    this.#environment = {
      policy: options.policy,
      resolve: options.resolve ?? createResolver(options.policy),
      secureContext: createSecureContext({
        minVersion: 'TLSv1.2',
        // A receiver has no reason to begin a handshake anew; many of them would keep a core busy until the deadline.
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
        ...(options.trustedCertificates ? { ca: [...rootCertificates, ...options.trustedCertificates] } : {}),
      }),
    };
  }

  send(request: OutgoingRequest): Promise<AttemptOutcome> {
    const target = this.#targets.get(request.url) ?? this.#judge(request.url);
    if (target.kind === 'refused') return Promise.resolve(notSent(target.code, target.message));
    if (this.#closed)
      return Promise.resolve(
        notSent('internal', 'Signpost is shutting down. The delivery goes on with its next attempt.'),
      );
    const headers = headerList(request.headers);
    if (typeof headers === 'string') {
      return Promise.resolve(
        notSent(
          'internal',
          `The header ${headers} is set by Signpost and cannot be sent. Remove it from the headers of the webhook.`,
        ),
      );
    }
    this.#running += 1;
    return new Promise(resolve => {
      const pool = this.#poolOf(target);
      const attempt = new Attempt(
        pool,
        { path: target.path, method: request.method, headers, body: request.body },
        { timeoutMs: Math.max(1, request.timeoutMs), maxResponseBytes: this.#maxResponseBytes },
        outcome => {
          this.#running -= 1;
          if (this.#running === 0) this.#onDrained?.();
          resolve(outcome);
        },
      );
      pool.acquire(attempt);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) {
      await new Promise<void>(resolve => {
        this.#onDrained = resolve;
      });
    }
    await Promise.all([...this.#pools.values()].map(pool => pool.close()));
  }

  stats(): TransportStats {
    const counts = [...this.#pools.values()].map(pool => pool.counts);
    const sum = (count: (pool: OriginPool['counts']) => number): number =>
      counts.reduce((total, pool) => total + count(pool), 0);
    return {
      origins: counts.length,
      openConnections: sum(pool => pool.open),
      idleConnections: sum(pool => pool.idle),
      openingConnections: sum(pool => pool.opening),
      queuedAttempts: sum(pool => pool.queued),
      runningAttempts: this.#running,
    };
  }

  #poolOf(target: Target & { kind: 'allowed' }): OriginPool {
    const known = this.#pools.get(target.origin);
    if (known !== undefined) return known;
    const pool = new OriginPool(
      target.origin,
      target.endpoint,
      this.#environment,
      this.#connectionsPerOrigin,
      // It says so again when a socket that it gave up has closed, and by then another may have its place.
      empty => void (this.#pools.get(empty.origin) === empty && this.#pools.delete(empty.origin)),
    );
    this.#pools.set(target.origin, pool);
    return pool;
  }

  #judge(text: string): Target {
    const target = targetOf(text, this.#policy);
    if (this.#targets.size >= maxKnownTargets) {
      for (const oldest of this.#targets.keys()) {
        this.#targets.delete(oldest);
        break;
      }
    }
    this.#targets.set(text, target);
    return target;
  }
}

function targetOf(text: string, policy: AddressPolicy): Target {
  const verdict = policy.judgeUrl(text);
  if (verdict.kind === 'refused') {
    return {
      kind: 'refused',
      code: isAddressRefusal(verdict.code) ? 'address_blocked' : 'url_invalid',
      message: verdict.message,
    };
  }
  const { url } = verdict;
  const secure = url.protocol === 'https:';
  return {
    kind: 'allowed',
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    endpoint: {
      secure,
      hostname: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname,
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    },
  };
}

function isAddressRefusal(code: UrlRefusalCode): boolean {
  return code === 'url_address_not_allowed' || code === 'url_host_not_allowed' || code === 'url_port_not_allowed';
}

/** The headers as undici takes them fastest, or the name of one that may not be sent. */
function headerList(headers: Readonly<Record<string, string>>): string[] | string {
  const list: string[] = [];
  let hasAcceptEncoding = false;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined) continue;
    const lower = name.toLowerCase();
    if (reservedHeaders.has(lower)) return name;
    if (lower === 'accept-encoding') hasAcceptEncoding = true;
    list.push(name, value);
  }
  // The body is kept as it comes: a compressed one would be unreadable, or a bomb.
  if (!hasAcceptEncoding) list.push('accept-encoding', 'identity');
  return list;
}

function notSent(code: 'address_blocked' | 'url_invalid' | 'internal', message: string): AttemptOutcome {
  return { kind: 'no_response', code, message, phase: 'queued', timings: noTimings, durationMs: 0 };
}
