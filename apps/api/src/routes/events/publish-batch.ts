import { maxEventBytes, operations, type PublishedBatchBody, publishEventSchema } from '@signpost/api-schema';
import type { NewEvent, WorkspaceAccess } from '@signpost/database';
import { formatId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { describeFault } from '../../errors/describe-fault.ts';
import { type Problem, problem } from '../../errors/problem.ts';
import { parseOptions, toFieldErrors, validationFailed } from '../../middleware/validate-input.ts';
import { answer } from '../../middleware/write-answer.ts';
import type { Span } from '../../publishing/json-spans.ts';
import type { PublishedEvent } from '../../publishing/publisher.ts';
import { route } from '../../routing.ts';
import { createTurns } from '../../turns.ts';
import { checkAgainstCatalogue } from './check-against-catalogue.ts';
import { newEvent } from './new-event.ts';
import { valueRefused } from './value-refused.ts';

/** Wrong names in a batch are most likely the same one, and a suggestion takes milliseconds. */
const maxSuggestions = 20;

type ItemResult = PublishedBatchBody['data'][number];
type Checked = { readonly kind: 'event'; readonly event: NewEvent } | Problem;

/** A good item is accepted whatever the others are; the answer comes when every accepted one is durable. */
export const publishBatch = (dependencies: ApiDependencies) =>
  route(operations.publishBatch, async ({ workspace, body, bodyText, bodyItems, logger }) => {
    const publishing: Promise<PromiseSettledResult<ItemResult>>[] = [];
    const othersTurn = createTurns();
    for (const [index, item] of body.events.entries()) {
      const checked = await settle(
        checkItem(dependencies, workspace, { item, index, text: bodyText, span: bodyItems[index] as Span }),
      );
      publishing.push(settle(publishChecked(dependencies, checked, index)));
      await othersTurn();
    }
    const items = await Promise.all(publishing);
    const failed = items.find(item => item.status === 'rejected');
    // Nothing was stored: the whole batch may be sent again. Otherwise those that were must be told from those that were not.
    if (failed !== undefined && !items.some(isAccepted)) throw failed.reason;
    if (failed !== undefined) logger.error({ error: failed.reason }, 'a part of the batch was not stored');
    return answer(202, { data: items.map(resultOf) });
  });

/** At once, so that a rejection is never without someone who handles it. */
async function settle<Value>(work: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  const [settled] = await Promise.allSettled([work]);
  return settled;
}

function resultOf(item: PromiseSettledResult<ItemResult>): ItemResult {
  return item.status === 'fulfilled' ? item.value : refused(describeFault(item.reason));
}

function isAccepted(item: PromiseSettledResult<ItemResult>): boolean {
  return item.status === 'fulfilled' && 'id' in item.value;
}

interface BatchItem {
  readonly item: unknown;
  readonly index: number;
  readonly text: string;
  readonly span: Span;
}

async function publishChecked(
  { publisher }: ApiDependencies,
  checked: PromiseSettledResult<Checked>,
  index: number,
): Promise<ItemResult> {
  if (checked.status === 'rejected') throw checked.reason;
  if (checked.value.kind === 'problem') return refused(checked.value);
  const { event } = checked.value;
  return describeStored(event, await publisher.publish(event), placeOf(index));
}

async function checkItem(
  { eventCatalogue, clock }: ApiDependencies,
  workspace: WorkspaceAccess,
  { item, index, text, span }: BatchItem,
): Promise<Checked> {
  const place = placeOf(index);
  // No character takes more than three bytes of UTF-8 a UTF-16 unit: only texts near the limit need counting.
  const length = span.end - span.start;
  if (length * 3 > maxEventBytes && Buffer.byteLength(text.slice(span.start, span.end)) > maxEventBytes)
    return problem('payload_too_large', `${place} is larger than ${maxEventBytes} bytes.`);
  const parsed = publishEventSchema.safeParse(item, parseOptions);
  if (!parsed.success) {
    const { first, total } = toFieldErrors(place, parsed.error);
    return validationFailed(first, total);
  }
  const idempotencyKey = parsed.data.idempotency_key ?? null;
  const published = { body: parsed.data, text, start: span.start, idempotencyKey };
  const event = newEvent(workspace, published, clock);
  const refusal = await checkAgainstCatalogue(eventCatalogue, workspace, parsed.data, {
    dataBytes: event.payload.length,
    place,
    suggest: index < maxSuggestions,
  });
  return refusal ?? { kind: 'event', event };
}

function placeOf(index: number): string {
  return `body.events[${index}]`;
}

function describeStored(event: NewEvent, stored: PublishedEvent, place: string): ItemResult {
  if (stored.kind === 'refused') return refused(valueRefused(place));
  if (stored.kind === 'accepted') return { id: formatId('event', event.id), duplicate: false };
  if (stored.sameContent) return { id: formatId('event', stored.eventId), duplicate: true };
  return refused(problem('idempotency_key_reused'));
}

function refused({ code, detail, errors }: Problem): ItemResult {
  return { error: { code, detail, ...(errors === undefined ? {} : { errors: [...errors] }) } };
}
