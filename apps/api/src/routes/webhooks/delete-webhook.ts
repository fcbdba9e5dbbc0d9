import { operations } from '@signpost/api-schema';
import { cancelPendingDeliveries, deleteWebhook as deleteRow } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { webhookFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';

export const deleteWebhook = ({ database }: ApiDependencies) =>
  route(operations.deleteWebhook, async ({ workspace: { workspaceId }, params, audit }) => {
    const id = parseId('webhook', params.id);
    if (id === null) return notFound();
    const deleted = await deleteRow(database, workspaceId, id, gone =>
      audit({
        action: 'webhook.deleted',
        workspaceId,
        resourceId: params.id,
        changes: fieldsOf(webhookFacts(gone)),
      }),
    );
    if (!deleted) return notFound();
    // Behind the commit, because there may be many: what is not cancelled here is when its turn comes.
    await cancelPendingDeliveries(database, id);
    return answer(204);
  });
