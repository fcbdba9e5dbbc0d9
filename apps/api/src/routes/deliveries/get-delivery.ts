import { operations } from '@signpost/api-schema';
import type { CompiledContract } from '@signpost/contracts';
import { findDelivery, listAttempts, type LoggedAttempt } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { attemptBody, deliveryBody } from './delivery-body.ts';
import { guessContract, rebuildRequestBody } from './rebuild-request-body.ts';

export const getDelivery = ({ database, contracts }: ApiDependencies) =>
  route(operations.getDelivery, async ({ workspace, params }) => {
    const id = parseId('delivery', params.id);
    const delivery = id === null ? null : await findDelivery(database, workspace.workspaceId, id);
    if (delivery === null) return notFound();
    const attempts = await listAttempts(database, delivery.id);
    const { contract: begunWith, webhook } = delivery;
    const contract = begunWith === null ? null : await contracts.findVersion(workspace.workspaceId, begunWith);
    const contractOf = ({ requestHeaders }: LoggedAttempt): CompiledContract | null =>
      begunWith === null ? guessContract(webhook?.contract ?? workspace.contract, requestHeaders) : contract;
    return answer(200, {
      ...deliveryBody(delivery),
      attempts: attempts.map(attempt =>
        attemptBody(delivery.id, attempt, rebuildRequestBody(delivery, attempt, contractOf(attempt))),
      ),
    });
  });
