/** What the run tells a receiver process. */
export type ToReceiver =
  | { readonly kind: 'secrets'; readonly byPath: Readonly<Record<string, string>> }
  /** From now on take everything. */
  | { readonly kind: 'calm' }
  | { readonly kind: 'report' };

/** What arrived at one webhook under one id. */
export interface ReceivedRow {
  readonly path: string;
  /** The header webhook-id. */
  readonly id: string;
  /** The number in the event's data. */
  readonly n: number;
  readonly requests: number;
  /** Of these, those that were answered with a success. */
  readonly taken: number;
  /** Unix milliseconds; null: never. */
  readonly firstTakenMs: number | null;
  /** Requests whose body was not that of the first one, byte for byte. */
  readonly otherBodies: number;
}

/** What a receiver process tells the run. */
export type FromReceiver =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'rows'; readonly rows: readonly ReceivedRow[] }
  | {
      readonly kind: 'end';
      readonly requests: number;
      readonly unsigned: readonly string[];
      readonly refusals: Readonly<Record<string, number>>;
    };
