import { type Fields, fieldsOf, InvalidAnswer, readRefusal } from './answer.ts';
import type { Call, CallOptions } from './call.ts';
import { detailsOf, type FieldError, SignpostError } from './errors.ts';
import { eventText, type NewEvent } from './event.ts';

/** The API takes this many events in a request … */
const maxBatchEvents = 1000;
/** … and this many bytes. */
const maxBatchBytes = 10 * 1024 * 1024;
const opening = '{"events":[';
const closing = ']}';

export interface AcceptedItem {
  readonly kind: 'accepted';
  readonly id: string;
  /** As in `PublishedEvent`. */
  readonly duplicate: boolean;
  readonly idempotencyKey: string;
}

/** The event was not accepted, and would not be if it were sent again as it is. */
export interface RefusedItem {
  readonly kind: 'refused';
  /** A problem code, or `invalid_event` where the event was not even sent. */
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly idempotencyKey: string;
}

/** Its request failed or was not made: it may or may not have been accepted. Publish it again with the same key. */
export interface UnsettledItem {
  readonly kind: 'unsettled';
  readonly idempotencyKey: string;
}

export type BatchItemResult = AcceptedItem | RefusedItem;

/** A batch whose request, or one of its requests, failed. */
export class SignpostBatchError extends SignpostError {
  override readonly name = 'SignpostBatchError';
  /** What is known of each event, in the order given. */
  readonly results: readonly (BatchItemResult | UnsettledItem)[];

  constructor(error: SignpostError, results: readonly (BatchItemResult | UnsettledItem)[]) {
    super(error.code, error.message, detailsOf(error));
    this.results = results;
  }
}

/** An event on its way: its place among the given ones, and its JSON text. */
interface Item {
  readonly index: number;
  readonly text: string;
  readonly idempotencyKey: string;
}

/**
 * Publishes events in as few requests as the API's limits allow, one after the other.
 *
 * @returns what became of each, in the order given
 * @throws {SignpostBatchError} where a request fails; requests after it are not made
 */
export async function publishBatch(
  call: Call,
  makeIdempotencyKey: () => string,
  events: readonly NewEvent[],
  options?: CallOptions,
): Promise<BatchItemResult[]> {
  const results: (BatchItemResult | UnsettledItem)[] = [];
  const items: Item[] = [];
  for (const [index, event] of events.entries()) {
    const idempotencyKey = event.idempotencyKey ?? makeIdempotencyKey();
    const item = writeItem(event, idempotencyKey);
    results.push(typeof item === 'string' ? { kind: 'unsettled', idempotencyKey } : item);
    if (typeof item === 'string') items.push({ index, text: item, idempotencyKey });
  }
  for (const chunk of splitItems(items)) {
    const body = `${opening}${chunk.map(({ text }) => text).join(',')}${closing}`;
    try {
      const answers = await call(
        { method: 'POST', path: 'v1/events/batch', body, repeatable: true },
        answer => readAnswers(answer, chunk),
        options,
      );
      for (const [position, { index }] of chunk.entries()) results[index] = answers[position] as BatchItemResult;
    } catch (error) {
      throw error instanceof SignpostError ? new SignpostBatchError(error, results) : error;
    }
  }
  return results as BatchItemResult[];
}

/** @returns the JSON text, or the refusal of an event that cannot be sent */
function writeItem(event: NewEvent, idempotencyKey: string): string | RefusedItem {
  const refused = (code: string, detail: string): RefusedItem => ({
    kind: 'refused',
    code,
    detail,
    errors: [],
    idempotencyKey,
  });
  try {
    const text = eventText(event, idempotencyKey);
    const isTooLarge = Buffer.byteLength(text) > maxBatchBytes - opening.length - closing.length;
    return isTooLarge ? refused('payload_too_large', `A batch may have ${maxBatchBytes} bytes.`) : text;
  } catch (error) {
    if (error instanceof SignpostError) return refused(error.code, error.message);
    throw error;
  }
}

/** Cuts a list where the next item would go beyond a limit. Every item fits alone. */
function* splitItems(items: readonly Item[]): Generator<Item[]> {
  let chunk: Item[] = [];
  let bytes = opening.length + closing.length;
  for (const item of items) {
    // One for the comma.
    const itemBytes = Buffer.byteLength(item.text) + 1;
    if (chunk.length === maxBatchEvents || (chunk.length > 0 && bytes + itemBytes > maxBatchBytes)) {
      yield chunk;
      chunk = [];
      bytes = opening.length + closing.length;
    }
    chunk.push(item);
    bytes += itemBytes;
  }
  if (chunk.length > 0) yield chunk;
}

function readAnswers(body: unknown, chunk: readonly Item[]): BatchItemResult[] {
  const answers = fieldsOf(body).list('data', fields => fields);
  if (answers.length !== chunk.length)
    throw new InvalidAnswer(`data has ${answers.length} items for ${chunk.length} events`);
  return chunk.map(({ idempotencyKey }, position) => readItem(answers[position] as Fields, position, idempotencyKey));
}

/** @param position in the request: the API's texts name it, but to the caller it means nothing */
function readItem(fields: Fields, position: number, idempotencyKey: string): BatchItemResult {
  if (!fields.has('error'))
    return { kind: 'accepted', id: fields.text('id'), duplicate: fields.flag('duplicate'), idempotencyKey };
  const { code, detail, errors } = readRefusal(fields.object('error'));
  const ofEvent = (text: string): string => text.replaceAll(`body.events[${position}]`, 'body');
  return {
    kind: 'refused',
    code,
    detail: ofEvent(detail),
    errors: errors.map(({ path, message }) => ({ path: ofEvent(path), message: ofEvent(message) })),
    idempotencyKey,
  };
}
