import { operations } from '@signpost/api-schema';
import { deleteEventType as deleteRow } from '@signpost/database';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { eventTypeFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';

export const deleteEventType = ({ database, access }: ApiDependencies) =>
  route(operations.deleteEventType, async ({ workspace: { workspaceId }, params: { name }, audit }) => {
    const deleted = await deleteRow(database, workspaceId, name, gone =>
      audit({
        action: 'event_type.deleted',
        workspaceId,
        resourceId: name,
        changes: fieldsOf(eventTypeFacts(gone)),
      }),
    );
    if (!deleted) return notFound();
    access.forget();
    return answer(204);
  });
