import { operations } from '@signpost/api-schema';
import { expungePayload } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import { fieldsOf } from '../../audit/audit-changes.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';

export const expungeEventPayload = ({ database }: ApiDependencies) =>
  route(operations.expungeEventPayload, async ({ workspace: { workspaceId }, params, audit }) => {
    const id = parseId('event', params.id);
    if (id === null) return notFound();
    const isThere = await expungePayload(database, workspaceId, id, expunged =>
      audit({
        action: 'event.payload_expunged',
        workspaceId,
        resourceId: params.id,
        changes: fieldsOf({
          event_type: expunged.eventType,
          fanned_out: expunged.wasFannedOut,
          cancelled_deliveries: expunged.cancelledDeliveries,
        }),
      }),
    );
    return isThere ? answer(204) : notFound();
  });
