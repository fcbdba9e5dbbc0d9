import type { Percentiles } from './statistics.ts';

// What the processes of the benchmark ask of each other over IPC. Times in µs are of the monotonic clock, which all
// processes of one machine share.

export type Commands = Record<string, { readonly input: unknown; readonly answer: unknown }>;

/** Of receiver.ts. */
export type ReceiverCommands = {
  /** Forgets all; from now on, sequence numbers 0 to `events` - 1 at `/w/0` to `/w/<webhooks - 1>` are right. */
  expect: { input: { events: number; webhooks: number }; answer: null };
  progress: { input: null; answer: { received: number } };
  results: { input: null; answer: Arrivals };
};

export interface Arrivals {
  /** Different pairs of event and webhook. */
  readonly received: number;
  /** Requests that had arrived before. */
  readonly duplicates: number;
  /** Requests that nobody was to send. */
  readonly strangers: number;
  readonly lastArrivalUs: number;
  /** From the `sent_at_us` of the data to the arrival. */
  readonly latencyMs: Percentiles;
}

/** Of failing-receiver.ts: webhooks that are down for a while. */
export type FailingReceiverCommands = {
  /** Forgets all; what is right is as at receiver.ts. Behaviour stays. */
  expect: { input: { events: number; webhooks: number }; answer: null };
  /** From now on, and for what has not been answered yet. */
  behave: { input: Behaviour; answer: null };
  progress: { input: null; answer: FailingProgress };
  /** Lets the peak of requests under way begin anew. */
  resetPeak: { input: null; answer: null };
};

export type Behaviour =
  /** No answer, until it behaves otherwise. */
  | { readonly kind: 'hang' }
  /** 503 with this `Retry-After`. */
  | { readonly kind: 'refuse'; readonly retryAfter: string }
  /** 204 after this long, in ms. */
  | { readonly kind: 'accept'; readonly afterMs: number };

export interface FailingProgress {
  /** Different pairs of event and webhook that were refused at least once. */
  readonly refused: number;
  /** Different pairs that were accepted. */
  readonly received: number;
  /** Requests that had been accepted before. */
  readonly duplicates: number;
  readonly strangers: number;
  /** Requests that have arrived and are not answered. */
  readonly inFlight: number;
  readonly peakInFlight: number;
  /** When those that were accepted arrived; the wall clock in ms since 1970, 0 if there is none. */
  readonly firstAcceptedAtMs: number;
  readonly lastAcceptedAtMs: number;
}

/** Of load-generator.ts. */
export type LoadCommands = {
  /** As fast as it goes with `inFlight` requests at once. */
  publish: { input: PublishInput; answer: Published };
  /** One event every 1/`perSecond` s, whatever became of those before. */
  publishOnGrid: { input: GridInput; answer: GridPublished };
  /** Bare POSTs straight to the receiver. */
  post: { input: { origin: string; posts: number; inFlight: number }; answer: Published };
};

export interface PublishInput {
  readonly origin: string;
  readonly apiKey: string;
  readonly events: number;
  /** Of the first event; the others count on from there. */
  readonly firstSequence: number;
  readonly inFlight: number;
  /** 1: `POST /v1/events`; more: that many events in each `POST /v1/events/batch`. */
  readonly batch: number;
}

export interface Published {
  readonly firstSendUs: number;
  /** When the last answer was there. */
  readonly lastAnswerUs: number;
}

export type GridInput = Pick<PublishInput, 'origin' | 'apiKey' | 'events'> & {
  readonly eventType: string;
  readonly perSecond: number;
};

export interface GridPublished {
  /** From the time on the grid to the 202. */
  readonly answerMs: Percentiles;
  /** How much later than its time on the grid an event was sent. */
  readonly latenessMs: Percentiles;
}

/** Of queue-floor.ts. */
export type QueueFloorCommands = {
  run: { input: { redisUrl: string; jobs: number; concurrency: number }; answer: { seconds: number } };
};
