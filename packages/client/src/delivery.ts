import type { Fields } from './answer.ts';
import { momentText, type PageFilter, queryOf } from './pages.ts';

const deliveryStatuses = ['pending', 'succeeded', 'failed', 'cancelled'] as const;
const attemptStatuses = ['succeeded', 'failed'] as const;
const testStatuses = ['success', 'failed'] as const;
const attemptPhases = ['queued', 'dns', 'connect', 'tls', 'request', 'response'] as const;
const receipts = ['yes', 'no', 'unknown'] as const;
const attemptTriggers = ['scheduled', 'manual', 'test', 'replay'] as const;

export type DeliveryStatus = (typeof deliveryStatuses)[number];
export type AttemptStatus = (typeof attemptStatuses)[number];
/** How far an attempt got; `request`: written at least in part, `response`: answered. */
export type AttemptPhase = (typeof attemptPhases)[number];
/** Whether the receiver has the request; `unknown`: it may have it although no answer came. */
export type Receipt = (typeof receipts)[number];
/** Why an attempt was made: by the retry schedule, by a person, as a test send, by a replay. */
export type AttemptTrigger = (typeof attemptTriggers)[number];

/** One event on its way to one webhook. Times are ISO 8601, UTC. */
export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  /** The webhook may have been deleted since. */
  readonly webhookId: string;
  readonly status: DeliveryStatus;
  readonly attemptCount: number;
  readonly nextAttemptAt: string | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
}

/** Why an attempt or a test send failed. */
export interface AttemptError {
  readonly code: string;
  readonly message: string;
}

export interface Attempt {
  readonly id: string;
  readonly deliveryId: string;
  readonly number: number;
  readonly trigger: AttemptTrigger;
  readonly startedAt: string;
  /** null where nobody saw the end: the dispatcher died. */
  readonly durationMs: number | null;
  readonly status: AttemptStatus;
  readonly received: Receipt;
  /** null where nobody saw it. */
  readonly phase: AttemptPhase | null;
  /** null where the attempt did not go through that phase or did not get through it. */
  readonly timings: {
    readonly dnsMs: number | null;
    readonly connectMs: number | null;
    readonly tlsMs: number | null;
    readonly firstByteMs: number | null;
    readonly totalMs: number | null;
  };
  readonly responseCode: number | null;
  readonly error: AttemptError | null;
  readonly request: {
    readonly method: string;
    readonly url: string;
    /** Values of sensitive headers are hidden. */
    readonly headers: Readonly<Record<string, string>>;
    /** null where the event has been deleted since. */
    readonly body: string | null;
  };
  /** null where no response arrived. */
  readonly response: {
    /** Values of sensitive headers are hidden, and secrets in the URLs of others. */
    readonly headers: Readonly<Record<string, string>>;
    /** Values of sensitive headers of the request that it repeats are hidden. */
    readonly body: string | null;
    readonly bodyTruncated: boolean;
  } | null;
}

export interface DeliveryWithAttempts extends Delivery {
  /** The newest, first to last: 100 at most. */
  readonly attempts: readonly Attempt[];
  /** How many earlier attempts there are that `attempts` leaves out. */
  readonly earlierAttempts: number;
}

/** Which deliveries to list; all of them where nothing is given. */
export interface DeliveryFilter extends PageFilter {
  readonly webhookId?: string;
  readonly eventId?: string;
  readonly eventType?: string;
  readonly status?: DeliveryStatus;
  /** Created at or after. */
  readonly since?: Date | string;
  /** Created before. */
  readonly until?: Date | string;
  /** Of the last attempt. */
  readonly responseCode?: number;
}

export function deliveryQuery(filter: DeliveryFilter): Record<string, string> {
  return queryOf({
    webhook_id: filter.webhookId,
    event_id: filter.eventId,
    event_type: filter.eventType,
    status: filter.status,
    since: momentText(filter.since),
    until: momentText(filter.until),
    response_code: filter.responseCode,
    limit: filter.pageSize,
  });
}

export function readDelivery(fields: Fields): Delivery {
  return {
    id: fields.text('id'),
    eventId: fields.text('event_id'),
    eventType: fields.text('event_type'),
    webhookId: fields.text('webhook_id'),
    status: fields.oneOf('status', deliveryStatuses),
    attemptCount: fields.integer('attempt_count'),
    nextAttemptAt: fields.textOrNull('next_attempt_at'),
    createdAt: fields.text('created_at'),
    completedAt: fields.textOrNull('completed_at'),
  };
}

export function readDeliveryWithAttempts(fields: Fields): DeliveryWithAttempts {
  return {
    ...readDelivery(fields),
    attempts: fields.list('attempts', readAttempt),
    earlierAttempts: fields.integer('earlier_attempts'),
  };
}

function readAttempt(fields: Fields): Attempt {
  const request = fields.object('request');
  const response = fields.objectOrNull('response');
  const error = fields.objectOrNull('error');
  const timings = fields.object('timings');
  return {
    id: fields.text('id'),
    deliveryId: fields.text('delivery_id'),
    number: fields.integer('number'),
    trigger: fields.oneOf('trigger', attemptTriggers),
    startedAt: fields.text('started_at'),
    durationMs: fields.integerOrNull('duration_ms'),
    status: fields.oneOf('status', attemptStatuses),
    received: fields.oneOf('received', receipts),
    phase: fields.oneOfOrNull('phase', attemptPhases),
    timings: {
      dnsMs: timings.integerOrNull('dns_ms'),
      connectMs: timings.integerOrNull('connect_ms'),
      tlsMs: timings.integerOrNull('tls_ms'),
      firstByteMs: timings.integerOrNull('first_byte_ms'),
      totalMs: timings.integerOrNull('total_ms'),
    },
    responseCode: fields.integerOrNull('response_code'),
    error: error && readAttemptError(error),
    request: {
      method: request.text('method'),
      url: request.text('url'),
      headers: request.textsByName('headers'),
      body: request.textOrNull('body'),
    },
    response: response && {
      headers: response.textsByName('headers'),
      body: response.textOrNull('body'),
      bodyTruncated: response.flag('body_truncated'),
    },
  };
}

function readAttemptError(fields: Fields): AttemptError {
  return { code: fields.text('code'), message: fields.text('message') };
}

/** What a test send came to. */
export interface TestResult {
  readonly deliveryId: string;
  readonly status: 'success' | 'failed';
  readonly responseCode: number | null;
  readonly responseTimeMs: number | null;
  readonly error: AttemptError | null;
}

export function readTestResult(fields: Fields): TestResult {
  return {
    deliveryId: fields.text('delivery_id'),
    status: fields.oneOf('status', testStatuses),
    responseCode: fields.integerOrNull('response_code'),
    responseTimeMs: fields.integerOrNull('response_time_ms'),
    error: fields.has('error') ? readAttemptError(fields.object('error')) : null,
  };
}
