import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request as a receiver's framework hands it over. */
export interface Arrival {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Receivers as the providers' pages tell their users to write them: with node:crypto alone, sharing no code with
 * Signpost. Each says whether it takes a request.
 */
export type ReceiverOfContract = (arrival: Arrival, secret: string) => boolean;

const toleranceSeconds = 300;

const header = ({ headers }: Arrival, name: string): string => String(headers[name] ?? '');

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const isFresh = (seconds: string): boolean =>
  /^\d+$/.test(seconds) && Math.abs(Date.now() / 1000 - Number(seconds)) <= toleranceSeconds;

const hmacHex = (key: string, ...parts: (string | Buffer)[]): string => {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
};

const standard: ReceiverOfContract = (arrival, secret) => {
  const [id, time] = [header(arrival, 'webhook-id'), header(arrival, 'webhook-timestamp')];
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${time}.`).update(arrival.body).digest('base64');
  const offered = header(arrival, 'webhook-signature').split(' ');
  return isFresh(time) && offered.some(each => equal(each, `v1,${expected}`));
};

const replicer: ReceiverOfContract = (arrival, secret) => {
  const time = header(arrival, 'x-replicer-timestamp');
  const expected = hmacHex(secret, `${time}.`, arrival.body);
  return isFresh(time) && equal(header(arrival, 'x-replicer-signature'), expected);
};

const repixa: ReceiverOfContract = (arrival, secret) =>
  equal(header(arrival, 'x-repixa-signature'), `sha256=${hmacHex(secret, arrival.body)}`);

/** `t=…,v1=…`, as Nixflex and Stripe write it. */
const timeAndVersions = (name: string): ReceiverOfContract => {
  return (arrival, secret) => {
    const parts = header(arrival, name)
      .split(',')
      .map(part => part.split('='));
    const time = parts.find(([key]) => key === 't')?.[1] ?? '';
    const expected = hmacHex(secret, `${time}.`, arrival.body);
    return isFresh(time) && parts.some(([key, value]) => key === 'v1' && equal(value ?? '', expected));
  };
};

/** The sheet's pages disagree about the header's name; a receiver may read either. */
export const repairyBy = (signatureHeader: string): ReceiverOfContract => {
  return (arrival, secret) => {
    const { id, action, timestamp, payload } = JSON.parse(arrival.body.toString('utf8'));
    const { bookingId, workshopId } = payload;
    const signed = [secret, action, id, bookingId, workshopId, timestamp].join('|');
    const expected = createHash('md5').update(signed).digest('hex');
    const time = header(arrival, 'x-webhook-timestamp');
    return isFresh(time) && time === String(timestamp) && equal(header(arrival, signatureHeader), expected);
  };
};

const github: ReceiverOfContract = (arrival, secret) =>
  equal(header(arrival, 'x-hub-signature-256'), `sha256=${hmacHex(secret, arrival.body)}`);

const slack: ReceiverOfContract = (arrival, secret) => {
  const time = header(arrival, 'x-slack-request-timestamp');
  const expected = `v0=${hmacHex(secret, `v0:${time}:`, arrival.body)}`;
  return isFresh(time) && equal(header(arrival, 'x-slack-signature'), expected);
};

export const receivers = {
  standard,
  replicer,
  repixa,
  repull: standard,
  nixflex: timeAndVersions('x-nixflex-signature'),
  repairy: repairyBy('x-webhook-signature'),
  stripe: timeAndVersions('stripe-signature'),
  github,
  slack,
} as const satisfies Readonly<Record<string, ReceiverOfContract>>;
export type ContractName = keyof typeof receivers;

/** The headers that carry a signature. */
export const signatureHeaders: Readonly<Record<ContractName, readonly string[]>> = {
  standard: ['webhook-signature'],
  replicer: ['x-replicer-signature'],
  repixa: ['x-repixa-signature'],
  repull: ['webhook-signature'],
  nixflex: ['x-nixflex-signature'],
  repairy: ['x-webhook-signature', 'x-repairy-signature'],
  stripe: ['stripe-signature'],
  github: ['x-hub-signature-256'],
  slack: ['x-slack-signature'],
};

/** The header that carries the signed time; null: the contract signs none. */
export const timeHeaders: Readonly<Record<ContractName, string | null>> = {
  standard: 'webhook-timestamp',
  replicer: 'x-replicer-timestamp',
  repixa: null,
  repull: 'webhook-timestamp',
  nixflex: 'x-nixflex-signature',
  repairy: 'x-webhook-timestamp',
  stripe: 'stripe-signature',
  github: null,
  slack: 'x-slack-request-timestamp',
};
