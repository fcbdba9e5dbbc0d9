/** All that a contract may put into a request. Strings are the printed forms that receivers see. */
export interface SealInput {
  /** `evt_…` */
  readonly eventId: string;
  readonly eventType: string;
  /** When the event occurred, Unix milliseconds. */
  readonly eventTimestampMs: number;
  /** The published JSON text of `data`, byte for byte; never encoded anew. Must be valid JSON. */
  readonly data: string;
  /** JSON text of the metadata object, or null. */
  readonly metadata: string | null;
  readonly subject: string | null;
  /** `del_…` */
  readonly deliveryId: string;
  /** `att_…` */
  readonly attemptId: string;
  readonly attemptUnixSeconds: number;
  /** The webhook's own method; null takes the contract's first. */
  readonly method: string | null;
  /** Valid at send time, newest first, in their printed form. */
  readonly secrets: readonly string[];
}

/** What the body depends on; the attempt's values are needed where `bodyNeedsAttempt` says so. */
export type BodyInput = Omit<SealInput, 'secrets' | 'attemptId' | 'attemptUnixSeconds'> &
  Partial<Pick<SealInput, 'attemptId' | 'attemptUnixSeconds'>>;

/** A request ready for the wire, but for its URL. */
export interface SealedRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}
