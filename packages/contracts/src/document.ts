/**
 * The shape of a delivery contract. A document is plain JSON data, so its keys are snake_case; the same document is what
 * the API stores and shows. Every string called a template holds literal text and placeholders of the closed vocabulary
 * in `vocabulary.ts`; a `{` always starts a placeholder.
 */
export interface ContractDocument {
  /** Lower-case identifier: `^[a-z][a-z0-9-]{0,63}$`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Sentences that whoever chooses this contract must read, such as a weak algorithm. */
  readonly warnings: readonly string[];
  readonly event_types: readonly EventTypeDocument[];
  readonly envelope: EnvelopeDocument;
  /** Headers beside those of the signature. `Content-Type: application/json` is added unless one is named. */
  readonly headers: readonly HeaderDocument[];
  readonly signature: SignatureDocument;
  readonly secret: SecretDocument;
  /** Methods a webhook may choose; the first is used when it chooses none. */
  readonly methods: readonly DeliveryMethod[];
  readonly success: SuccessDocument;
  readonly timeout_ms: number;
  readonly retry: RetryDocument;
  readonly url: UrlDocument;
}

export type DeliveryMethod = 'POST' | 'PUT' | 'PATCH';

export interface EventTypeDocument {
  readonly name: string;
  readonly description: string;
  /** JSON Schema 2020-12 of the event's data. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** One realistic value of the event's data, valid against `schema`. */
  readonly example: unknown;
}

/** `data`: the body is the published data text itself. `object`: a JSON object built around it. */
export type EnvelopeDocument =
  | { readonly shape: 'data' }
  | { readonly shape: 'object'; readonly fields: readonly EnvelopeFieldDocument[] };

/** One member of an envelope object, or with `spread` the members of the data object in its place. */
export type EnvelopeFieldDocument =
  | EnvelopeValueDocument
  | { readonly name: string; readonly constant: string | number | boolean | null }
  | { readonly name: string; readonly fields: readonly EnvelopeFieldDocument[] }
  | { readonly spread: '{data}' };

export interface EnvelopeValueDocument {
  readonly name: string;
  /** A template. A lone placeholder keeps its own JSON type; anything else becomes a string. */
  readonly value: string;
  /** `string` turns a number into a JSON string of its digits. */
  readonly as?: 'string';
  /** What a missing value becomes; `null` when not given. */
  readonly when_absent?: 'null' | 'omit' | 'empty_object';
}

export interface HeaderDocument {
  /** Sent with exactly this spelling. */
  readonly name: string;
  /** A template. */
  readonly value: string;
}

export type SignatureAlgorithm = 'hmac-sha256' | 'hmac-sha512' | 'hmac-sha1' | 'md5' | 'sha256' | 'ed25519';

export interface SignatureDocument {
  /** `md5` and `sha256` are plain hashes: their signed content must name `{secret}`. */
  readonly algorithm: SignatureAlgorithm;
  /** What is signed: a template. */
  readonly content: string;
  readonly encoding: 'hex' | 'base64';
  /** One signature as it is written, with `{signature}` once: `v1,{signature}`. */
  readonly format: string;
  /** Between the signatures of several valid secrets; null when the contract carries one signature only. */
  readonly separator: ' ' | ',' | ';' | null;
  /** Headers that carry the signature: templates with `{signatures}` once. */
  readonly headers: readonly HeaderDocument[];
}

export interface SecretDocument {
  /** Text that every printed secret begins with; may be empty. */
  readonly prefix: string;
  /**
   * How the printed text after the prefix holds the random bytes. `text` takes any printable ASCII from a user, and is
   * written as base64url when a secret is generated.
   */
  readonly encoding: 'base64' | 'hex' | 'text';
  /** `decoded`: the key is what stands after the prefix, for `text` as UTF-8. `printed`: the whole secret as UTF-8. */
  readonly key: 'decoded' | 'printed';
  /** Random bytes in a generated secret. */
  readonly generated_bytes: number;
  /** Length that a user's own secret may have: bytes once decoded, for `text` characters after the prefix. */
  readonly min_length: number;
  readonly max_length: number;
}

export interface SuccessDocument {
  /** Inclusive range of status codes that mean the receiver took the delivery. */
  readonly from: number;
  readonly to: number;
  /** Status codes by which a receiver says that the webhook is gone for good. */
  readonly disable_on: readonly number[];
}

export interface RetryDocument {
  /** Seconds to wait after each failed attempt; as many retries as entries. */
  readonly schedule_seconds: readonly number[];
  /** Each wait grows by a random share of itself up to this ratio, 0 to 0.1; it is never shortened. */
  readonly jitter_ratio: number;
}

export interface UrlDocument {
  /** `instance`: whatever the instance allows. `production`: HTTPS in production only. `always`: HTTPS everywhere. */
  readonly https: 'instance' | 'production' | 'always';
}
