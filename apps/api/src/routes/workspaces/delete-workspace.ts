import { operations } from '@signpost/api-schema';
import { deleteWorkspace as deleteRow } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { visibleWorkspaceId } from './visible-workspace.ts';

export const deleteWorkspace = ({ database, access: registry }: ApiDependencies) =>
  route(operations.deleteWorkspace, async ({ access, workspace, params }) => {
    const id = visibleWorkspaceId(params.id, workspace);
    if (id === null) return notFound();
    if (access.keyId !== null) return problem('forbidden_scope', 'This needs the instance key.');
    const deleted = await deleteRow(database, id);
    registry.forget();
    return deleted ? answer(204) : notFound();
  });
