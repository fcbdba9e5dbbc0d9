import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AttemptBody, maxShownAttempts, operations } from '@signpost/api-schema';
import type { CompiledContract } from '@signpost/contracts';
import {
  countAttemptsBefore,
  type DeliveryWithSource,
  findDelivery,
  listAttempts,
  type LoggedAttempt,
} from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { attemptBody, deliveryBody } from './delivery-body.ts';
import { guessContract, rebuildRequestBody } from './rebuild-request-body.ts';

/** Attempts that reach this end the answer: a hundred bodies of 256 KiB are more than it should hold. */
const maxShownBytes = 4 * 1024 * 1024;

export const getDelivery = ({ database, contracts }: ApiDependencies) =>
  route(operations.getDelivery, async ({ workspace, params }) => {
    const id = parseId('delivery', params.id);
    const delivery = id === null ? null : await findDelivery(database, workspace.workspaceId, id);
    if (delivery === null) return notFound();
    const newest = await listAttempts(database, delivery.id, maxShownAttempts, maxShownBytes);
    const { contract: begunWith, webhook } = delivery;
    const contract = begunWith === null ? null : await contracts.findVersion(workspace.workspaceId, begunWith);
    const contractOf = ({ requestHeaders }: LoggedAttempt): CompiledContract | null =>
      begunWith === null ? guessContract(webhook?.contract ?? workspace.contract, requestHeaders) : contract;
    const attempts = await showAttempts(delivery, newest, contractOf);
    const [oldest] = attempts;
    return answer(200, {
      ...deliveryBody(delivery),
      attempts,
      earlier_attempts: oldest === undefined ? 0 : await countAttemptsBefore(database, delivery.id, oldest.number),
    });
  });

/**
 * As many of the newest attempts as begin within `maxShownBytes`.
 *
 * @param newest newest first
 * @returns first to last
 */
async function showAttempts(
  delivery: DeliveryWithSource,
  newest: readonly LoggedAttempt[],
  contractOf: (attempt: LoggedAttempt) => CompiledContract | null,
): Promise<AttemptBody[]> {
  const shown: AttemptBody[] = [];
  const known = new Map<CompiledContract, string>();
  let bytes = 0;
  for (const attempt of newest) {
    if (bytes >= maxShownBytes) break;
    const body = rebuildRequestBody(delivery, attempt, contractOf(attempt), known);
    bytes += (body?.length ?? 0) + attempt.requestHeaders.length;
    bytes += (attempt.responseHeaders?.length ?? 0) + (attempt.responseBody?.length ?? 0);
    shown.push(attemptBody(delivery.id, attempt, body));
    // A body is made anew from data of up to 256 KiB: others have their turn in between.
    if (body !== null) await nextTurn();
  }
  return shown.reverse();
}
