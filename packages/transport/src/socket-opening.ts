import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { addressRefusal, type AddressPolicy } from './address-policy.ts';
import { connectFailure, failed, type Failure, tlsFailure } from './failure.ts';
import { parseIpAddress, unmapped } from './ip-address.ts';
import { resolveChecked, type ResolvedAddress, type Resolver } from './resolver.ts';

/** Where connections go. */
export interface Endpoint {
  readonly secure: boolean;
  /** A DNS name, or an IP address without brackets. */
  readonly hostname: string;
  readonly port: number;
}

export interface SocketEnvironment {
  readonly policy: AddressPolicy;
  readonly resolve: Resolver;
  readonly secureContext: SecureContext;
}

export type OpeningResult = { readonly kind: 'open'; readonly socket: Socket } | Failure;

/** Time that one address gets before the next one is tried beside it (happy eyeballs, RFC 8305), in ms. */
const nextAddressAfterMs = 300;
const keepAliveProbeAfterMs = 60_000;

/**
 * Opens one connection: resolve, check every answer, connect to those answers only, compare the address that was
 * reached, then TLS. Calls `done` once, unless it was cancelled.
 *
 * The certificate is always verified: `rejectUnauthorized` is given, so that NODE_TLS_REJECT_UNAUTHORIZED has no say,
 * and no session is resumed, so that a certificate that expired is found out at the next connection.
 */
export class SocketOpening {
  /** `queued` until something has been asked or dialled. */
  phase: 'queued' | 'dns' | 'connect' | 'tls' = 'queued';
  dnsMs: number | null = null;
  connectMs: number | null = null;
  tlsMs: number | null = null;
  #phaseStartedAt = 0;
  #socket: Socket | null = null;
  #done: ((result: OpeningResult) => void) | null;
  readonly #endpoint: Endpoint;
  readonly #environment: SocketEnvironment;

  constructor(endpoint: Endpoint, environment: SocketEnvironment, done: (result: OpeningResult) => void) {
    this.#endpoint = endpoint;
    this.#environment = environment;
    this.#done = done;
  }

  start(): void {
    const literal = parseIpAddress(this.#endpoint.hostname);
    if (literal !== null) {
      this.#connect([{ address: this.#endpoint.hostname, family: literal.family }]);
      return;
    }
    this.#enter('dns');
    const { resolve, policy } = this.#environment;
    resolveChecked(this.#endpoint.hostname, resolve, policy).then(
      answer => {
        if (answer.kind === 'failed') this.#finish(answer);
        else {
          this.dnsMs = this.#sinceEntered();
          this.#connect(answer.addresses);
        }
      },
      () =>
        this.#finish(
          failed(
            'internal',
            "Signpost could not resolve the host name. This is not the receiver's fault: tell the operator.",
          ),
        ),
    );
  }

  /** Ends the work; `done` is not called any more. */
  cancel(): void {
    this.#done = null;
    this.#socket?.destroy();
  }

  #connect(addresses: readonly ResolvedAddress[]): void {
    if (this.#done === null) return;
    // Node asks no `lookup` about a literal, and a policy may be stricter than a resolver: checked here, for all.
    if (!addresses.every(({ address }) => this.#environment.policy.isAllowedAddress(address))) {
      this.#finish(failed('address_blocked', addressRefusal));
      return;
    }
    this.#enter('connect');
    const socket = connectTcp({
      host: this.#endpoint.hostname,
      port: this.#endpoint.port,
      lookup: lookupOf(addresses),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: nextAddressAfterMs,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveProbeAfterMs,
    });
    this.#socket = socket;
    socket.on('error', error => this.#finish(this.phase === 'tls' ? this.#tlsFailure(error) : connectFailure(error)));
    socket.once('connect', () => this.#connected(socket, addresses));
  }

  #connected(socket: Socket, addresses: readonly ResolvedAddress[]): void {
    const reached = canonical(socket.remoteAddress ?? '');
    if (reached === null || !addresses.some(({ address }) => canonical(address) === reached)) {
      this.#finish(failed('address_blocked', addressRefusal));
      return;
    }
    this.connectMs = this.#sinceEntered();
    if (this.#endpoint.secure) this.#secure(socket);
    else this.#finish({ kind: 'open', socket });
  }

  #secure(raw: Socket): void {
    this.#enter('tls');
    const { hostname } = this.#endpoint;
    const isLiteral = parseIpAddress(hostname) !== null;
    const socket = connectTls({
      socket: raw,
      host: hostname,
      // RFC 6066: server_name is a DNS name, never an address.
      ...(isLiteral ? {} : { servername: hostname }),
      secureContext: this.#environment.secureContext,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
    });
    this.#socket = socket;
    socket.on('error', error => this.#finish(this.#tlsFailure(error)));
    socket.once('secureConnect', () => {
      this.tlsMs = this.#sinceEntered();
      this.#finish({ kind: 'open', socket });
    });
  }

  #enter(phase: 'dns' | 'connect' | 'tls'): void {
    this.phase = phase;
    this.#phaseStartedAt = performance.now();
  }

  #sinceEntered(): number {
    return Math.floor(performance.now() - this.#phaseStartedAt);
  }

  #tlsFailure(error: unknown): Failure {
    return tlsFailure(error, this.#endpoint.hostname);
  }

  #finish(result: OpeningResult): void {
    const done = this.#done;
    if (done === null) return;
    this.#done = null;
    if (result.kind === 'failed') this.#socket?.destroy();
    done(result);
  }
}

/** A `lookup` that answers with what was checked, whatever the name server says now. */
function lookupOf(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const wanted = addresses.filter(({ family }) =>
      options.family !== 4 && options.family !== 6 ? true : family === options.family,
    );
    const first = wanted[0];
    if (first === undefined)
      callback(Object.assign(new Error('no address of this family'), { code: 'ENOTFOUND' }), '', 0);
    else if (options.all) callback(null, [...wanted]);
    else callback(null, first.address, first.family);
  };
}

function canonical(ip: string): bigint | null {
  const address = parseIpAddress(ip);
  return address === null ? null : unmapped(address).value;
}
