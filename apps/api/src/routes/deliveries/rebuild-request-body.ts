import { builtInContracts, type CompiledContract, ContractError } from '@signpost/contracts';
import type { DeliveryWithSource, LoggedAttempt } from '@signpost/database';
import { formatId } from '@signpost/runtime';

/**
 * The body of an attempt's request, made again from the event: the same bytes as were sent, without every attempt having
 * to keep them.
 *
 * @param contract the one that the delivery began with; null: it is not known any more
 * @param known what was rebuilt for other attempts of the delivery: most bodies are the same in all of them
 * @returns null where nothing was sent, or where the event, its payload or the contract are not known any more
 */
export function rebuildRequestBody(
  { id, event }: DeliveryWithSource,
  attempt: LoggedAttempt,
  contract: CompiledContract | null,
  known: Map<CompiledContract, string>,
): string | null {
  if (event === null || contract === null || !hasHeadersOf(contract, attempt.requestHeaders)) return null;
  const same = known.get(contract);
  if (same !== undefined) return same;
  const body = bodyWithinLimits(contract, {
    eventId: formatId('event', event.id),
    eventType: event.eventType,
    eventTimestampMs: event.occurredAtMs,
    data: event.payload,
    metadata: event.metadata,
    subject: event.subject,
    deliveryId: formatId('delivery', id),
    method: attempt.requestMethod,
    attemptId: formatId('attempt', attempt.id),
    attemptUnixSeconds: Math.floor(attempt.startedAt.getTime() / 1000),
  });
  if (body !== null && !contract.bodyNeedsAttempt) known.set(contract, body);
  return body;
}

/** @returns null where it was sent before requests had limits, and is beyond them */
function bodyWithinLimits(contract: CompiledContract, input: Parameters<CompiledContract['body']>[0]): string | null {
  try {
    return contract.body(input);
  } catch (error) {
    if (error instanceof ContractError && error.code === 'request_too_large') return null;
    throw error;
  }
}

/** A request that could not be made has none. */
function hasHeadersOf({ document: { headers, signature } }: CompiledContract, requestHeaders: string): boolean {
  const sent = new Set(Object.keys(JSON.parse(requestHeaders) as object).map(name => name.toLowerCase()));
  return [...headers, ...signature.headers].every(({ name }) => sent.has(name.toLowerCase()));
}

/**
 * For deliveries from before they said which contract they began with: the webhook's contract may have changed since, or
 * be gone with the webhook, but the headers of a request tell. Where they are not those of the expected contract, it is
 * the only one whose headers they are, or unknown.
 *
 * @param expected name of the contract that the webhook or its workspace has now
 */
export function guessContract(expected: string, requestHeaders: string): CompiledContract | null {
  const fits = (contract: CompiledContract): boolean => hasHeadersOf(contract, requestHeaders);
  const contract = builtInContracts.get(expected);
  if (contract !== undefined && fits(contract)) return contract;
  const fitting = [...builtInContracts.values()].filter(fits);
  return fitting.length === 1 ? (fitting[0] as CompiledContract) : null;
}
