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
  readonly inFlight: number;
  /** 1: `POST /v1/events`; more: that many events in each `POST /v1/events/batch`. */
  readonly batch: number;
}

export interface Published {
  readonly firstSendUs: number;
  /** When the last answer was there. */
  readonly lastAnswerUs: number;
}

export type GridInput = Pick<PublishInput, 'origin' | 'apiKey' | 'events'> & { readonly perSecond: number };

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
