import { operations } from '@signpost/api-schema';
import { deleteEventType as deleteRow } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';

export const deleteEventType = ({ database, access }: ApiDependencies) =>
  route(operations.deleteEventType, async ({ workspace, params }) => {
    const deleted = await deleteRow(database, workspace.workspaceId, params.name);
    if (!deleted) return notFound();
    access.forget();
    return answer(204);
  });
