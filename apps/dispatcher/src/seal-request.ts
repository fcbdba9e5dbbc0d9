import type { CompiledContract, SealedRequest } from '@signpost/contracts';
import type { DeliveryToAttempt, EventContent } from '@signpost/database';
import { formatId } from '@signpost/runtime';
import type { PreparedTarget } from './webhook-targets.ts';

export interface RequestToSeal {
  readonly delivery: DeliveryToAttempt;
  readonly event: EventContent;
  readonly target: PreparedTarget;
  readonly contract: CompiledContract;
  /** UUID of the attempt. */
  readonly attemptId: string;
  readonly startedAtMs: number;
}

/**
 * The request of one attempt: timestamp and signature are of now, secrets those that are valid now, the body's bytes the
 * same as in every other attempt. The webhook's own headers never replace those of the contract, nor the user
 * agent; a contract's user agent stands before ours, as one more product (RFC 9110, section 10.1.5).
 *
 * @throws ContractError where the contract cannot be kept, for want of a secret for example
 */
export function sealRequest({
  delivery,
  event,
  target,
  contract,
  attemptId,
  startedAtMs,
}: RequestToSeal): SealedRequest {
  const secrets: string[] = [];
  for (const { text, expiresAtMs } of target.secrets)
    if (expiresAtMs === null || expiresAtMs > startedAtMs) secrets.push(text);
  const sealed = contract.seal({
    eventId: formatId('event', event.id),
    eventType: event.eventType,
    eventTimestampMs: event.occurredAtMs,
    data: event.payload,
    metadata: event.metadata,
    subject: event.subject,
    // Written out only for contracts that send them: an id costs a microsecond.
    get deliveryId() {
      return formatId('delivery', delivery.id);
    },
    get attemptId() {
      return formatId('attempt', attemptId);
    },
    attemptUnixSeconds: Math.floor(startedAtMs / 1000),
    method: target.method,
    secrets,
  });
  return { method: sealed.method, headers: mergeHeaders(target, sealed.headers), body: sealed.body };
}

function mergeHeaders(
  { customHeaders, userAgent }: PreparedTarget,
  sealed: Record<string, string>,
): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': userAgent };
  const reserved = new Set(['user-agent']);
  for (const name in sealed) {
    const lower = name.toLowerCase();
    if (lower === 'user-agent') headers['user-agent'] = `${sealed[name]} ${userAgent}`;
    else headers[name] = sealed[name] as string;
    reserved.add(lower);
  }
  for (const name in customHeaders)
    if (!reserved.has(name.toLowerCase())) headers[name] = customHeaders[name] as string;
  return headers;
}
