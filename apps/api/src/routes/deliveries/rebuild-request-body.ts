import { builtInContracts, type CompiledContract } from '@signpost/contracts';
import type { DeliveryWithSource, LoggedAttempt } from '@signpost/database';
import { formatId } from '@signpost/runtime';

/**
 * The body of an attempt's request, made again from the event: the same bytes as were sent, without every attempt having
 * to keep them.
 *
 * @param workspaceContract name of the workspace's contract
 * @returns null where nothing was sent, or where event or contract are not known any more
 */
export function rebuildRequestBody(
  delivery: DeliveryWithSource,
  attempt: LoggedAttempt,
  workspaceContract: string,
): string | null {
  const { event, webhook } = delivery;
  if (event === null) return null;
  const contract = findContractOfRequest(webhook?.contract ?? workspaceContract, attempt.requestHeaders);
  if (contract === null) return null;
  return contract.body({
    eventId: formatId('event', event.id),
    eventType: event.eventType,
    eventTimestampMs: event.occurredAtMs,
    data: event.payload,
    metadata: event.metadata,
    subject: event.subject,
    deliveryId: formatId('delivery', delivery.id),
    method: attempt.requestMethod,
    attemptId: formatId('attempt', attempt.id),
    attemptUnixSeconds: Math.floor(attempt.startedAt.getTime() / 1000),
  });
}

/**
 * A webhook's contract may have changed since, or be gone with the webhook; the headers of the request tell. Where they
 * are not those of the expected contract, it is the only one whose headers they are, or unknown.
 */
function findContractOfRequest(expected: string, requestHeaders: string): CompiledContract | null {
  const sent = new Set(Object.keys(JSON.parse(requestHeaders) as object).map(name => name.toLowerCase()));
  const fits = ({ document: { headers, signature } }: CompiledContract): boolean =>
    [...headers, ...signature.headers].every(({ name }) => sent.has(name.toLowerCase()));
  const contract = builtInContracts.get(expected);
  if (contract !== undefined && fits(contract)) return contract;
  const fitting = [...builtInContracts.values()].filter(fits);
  return fitting.length === 1 ? (fitting[0] as CompiledContract) : null;
}
