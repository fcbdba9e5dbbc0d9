import { operations } from '@signpost/api-schema';
import { requestManualRetry } from '@signpost/database';
import { formatId, parseId } from '@signpost/runtime';
import { fieldsOf } from '../../audit/audit-changes.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { deliveryBody } from './delivery-body.ts';

export const retryDelivery = ({ database, producer }: ApiDependencies) =>
  route(operations.retryDelivery, async ({ workspace: { workspaceId }, params, audit, logger }) => {
    const id = parseId('delivery', params.id);
    if (id === null) return notFound();
    const result = await requestManualRetry(database, workspaceId, id, delivery =>
      audit({
        action: 'delivery.retried',
        workspaceId,
        resourceId: params.id,
        changes: fieldsOf({ webhook_id: formatId('webhook', delivery.webhookId), status: delivery.status }),
      }),
    );
    if (result.kind === 'missing') return notFound();
    if (result.kind === 'payload_expunged')
      return problem(
        'payload_expunged',
        'The payload of the event of this delivery has been expunged: there is nothing to send.',
      );
    if (result.kind === 'webhook_deleted')
      return problem('webhook_deleted', 'The webhook of this delivery has been deleted: there is nowhere to send it.');
    // It is accepted already: what does not reach Redis from here is enqueued by the repairer.
    await producer
      .enqueueAttemptNow(id, 'manual')
      .catch((error: unknown) => logger.warn({ error, delivery_id: id }, 'retry not enqueued; the repairer will'));
    return answer(202, deliveryBody(result.delivery));
  });
