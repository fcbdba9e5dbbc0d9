import { builtInDocuments } from './built-in/index.ts';
import { planReceiver, type ReceivedContract, type ReceiverPlan } from './receiver-plan.ts';
import { type HeaderSource, readRequest, type ReceivedRequest } from './received-request.ts';
import type { Refusal, RefusalReason } from './refusal.ts';
import { decodeBytes } from './secret.ts';
import { compileVerification, signatureBytes, splitFormat } from './signature.ts';
import { toHeaderText } from './vocabulary.ts';

export type { HeaderSource, ReceivedContract, Refusal, RefusalReason };

/** The contracts that `verify` knows by name. */
export type BuiltInContractName = keyof typeof builtInDocuments;

export interface VerifyOptions {
  /** The request's headers: Node's `req.headers`, a Fetch `Headers`, or any record; names compare without case. */
  readonly headers: HeaderSource;
  /** The body exactly as it came: bytes, or their text. A parsed body cannot be verified. */
  readonly body: Uint8Array | string;
  /** The signing secret in its printed form. */
  readonly secret?: string;
  /** Instead of `secret`, while an old and a new one are valid. */
  readonly secrets?: readonly string[];
  /** How far the signed time may lie from now, either way; 5 minutes when not given. */
  readonly toleranceMs?: number;
  /** Unix milliseconds; the machine's clock when not given. */
  readonly nowMs?: number;
}

/** `timestampMs` is the signed time of the attempt; null for contracts that sign none. */
export type VerifyResult = { readonly kind: 'accepted'; readonly timestampMs: number | null } | Refusal;

const DEFAULT_TOLERANCE_MS = 5 * 60 * 1000;
const plans = new Map<string, ReceiverPlan>();

/**
 * Decides whether a request was signed by the holder of the secret, by the rules of a built-in contract.
 *
 * Nothing is thrown: a refusal is a value whose `reason` a program can act on and whose `message` a person can. Answer
 * refusals with 401 (or 400) without telling the sender which reason it was.
 */
export function verify(contractName: BuiltInContractName, options: VerifyOptions): VerifyResult {
  let plan = plans.get(contractName);
  if (plan === undefined) {
    if (!Object.hasOwn(builtInDocuments, contractName)) {
      return refuse('contract_unknown', `There is no contract named "${contractName}".`);
    }
    plan = planReceiver(builtInDocuments[contractName]);
    plans.set(contractName, plan);
  }
  return verifyByPlan(plan, options);
}

/** As `verify`, for a contract of one's own. `contract` must be one that `parseContractDocument` accepts. */
export function verifyContract(contract: ReceivedContract, options: VerifyOptions): VerifyResult {
  return verifyByPlan(planReceiver(contract), options);
}

function verifyByPlan(plan: ReceiverPlan, options: VerifyOptions): VerifyResult {
  const request = readRequest(plan, options.headers, options.body);
  if (request.kind === 'refused') return request;
  const time = readTime(plan, request);
  if (time.kind === 'refused') return time;
  const late = checkTolerance(time.ms, options);
  if (late !== null) return late;
  return (
    matchSignatures(plan, request, options) ?? checkAgreement(request) ?? { kind: 'accepted', timestampMs: time.ms }
  );
}

type Time = { readonly kind: 'time'; readonly ms: number | null } | Refusal;

const SECONDS = /^(?:0|[1-9][0-9]{0,11})$/;
const MILLISECONDS = /^(?:0|[1-9][0-9]{0,14})$/;
const ISO_TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z$/;

/** The signed time, read strictly: `1614265330abc` and `1614265330.0` are refused, which `parseInt` would accept. */
function readTime(plan: ReceiverPlan, request: ReceivedRequest): Time {
  const key = plan.timestampKey;
  if (key === null) return { kind: 'time', ms: null };
  const text = request.values.get(key) ?? '';
  if (key === 'timestamp' && SECONDS.test(text)) return { kind: 'time', ms: Number(text) * 1000 };
  if (key === 'timestamp.unix_milliseconds' && MILLISECONDS.test(text)) return { kind: 'time', ms: Number(text) };
  if (key.startsWith('timestamp.iso') && ISO_TIME.test(text)) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return { kind: 'time', ms };
  }
  return refuse('timestamp_malformed', 'The time of the request is not written as the contract has it.');
}

function checkTolerance(timeMs: number | null, options: VerifyOptions): Refusal | null {
  if (timeMs === null) return null;
  // oxlint-disable-next-line no-restricted-properties -- a receiver calls this from its own code and has no clock to hand down
  const nowMs = options.nowMs ?? Date.now();
  const toleranceMs = options.toleranceMs ?? DEFAULT_TOLERANCE_MS;
  // Negated, so that a tolerance that is no number refuses everything rather than nothing.
  if (!(nowMs - timeMs <= toleranceMs)) {
    return refuse('timestamp_too_old', 'The request was signed longer ago than the tolerance allows.');
  }
  if (!(timeMs - nowMs <= toleranceMs)) {
    return refuse('timestamp_too_new', 'The request was signed for a time further ahead than the tolerance allows.');
  }
  return null;
}

/** Null when every signature header that came holds a signature made with one of the secrets. */
function matchSignatures(plan: ReceiverPlan, request: ReceivedRequest, options: VerifyOptions): Refusal | null {
  const { signature, secret: format } = plan.contract;
  const secrets = options.secrets ?? (options.secret === undefined ? [] : [options.secret]);
  const verifications = secrets.flatMap(secret => {
    if (typeof secret !== 'string') return [];
    return compileVerification(signature, format, secret, request.content(secret)) ?? [];
  });
  // One unusable secret is a fault in the receiver's settings, even if another one would match.
  if (secrets.length === 0 || verifications.length < secrets.length) {
    return refuse('secret_malformed', 'No secret was given, or it has not the form of the contract.');
  }
  const length = signatureBytes(signature.algorithm);
  for (const written of request.signatures) {
    const candidates = readSignatures(plan, written).filter(bytes => bytes.length === length);
    if (candidates.length === 0) {
      return refuse('signature_malformed', 'The signature header holds no signature in the form of the contract.');
    }
    // Every candidate meets every secret: how long this takes does not tell which of them matched.
    let matched = false;
    for (const matches of verifications) {
      for (const candidate of candidates) matched = matches(candidate) || matched;
    }
    if (!matched) {
      return refuse('signature_mismatch', 'No signature matches: the body, a signed value or the secret differs.');
    }
  }
  return null;
}

/** The signatures in a header's list; entries of another form are passed over, as other versions may stand there. */
function readSignatures(plan: ReceiverPlan, written: string): Buffer[] {
  const { format, separator, encoding } = plan.contract.signature;
  const [before, after] = splitFormat(format);
  const entries = separator === null ? [written] : written.split(separator);
  return entries.flatMap(entry => {
    if (entry.length <= before.length + after.length || !entry.startsWith(before) || !entry.endsWith(after)) return [];
    return decodeBytes(entry.slice(before.length, entry.length - after.length), encoding) ?? [];
  });
}

/** A value that stands in a header and under the signature in the body must be the same in both. */
function checkAgreement(request: ReceivedRequest): Refusal | null {
  for (const [key, inHeader] of request.headerValues) {
    const inBody = request.bodyValues.get(key);
    if (inBody !== undefined && toHeaderText(inBody) !== inHeader) {
      return refuse('values_disagree', `The headers and the body disagree about ${key}.`);
    }
  }
  return null;
}

function refuse(reason: RefusalReason, message: string): Refusal {
  return { kind: 'refused', reason, message };
}
