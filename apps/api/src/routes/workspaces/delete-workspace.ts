import { operations } from '@signpost/api-schema';
import { deleteWorkspace as deleteRow } from '@signpost/database';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { workspaceFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { visibleWorkspaceId } from './visible-workspace.ts';

export const deleteWorkspace = ({ database, access: registry }: ApiDependencies) =>
  route(operations.deleteWorkspace, async ({ access, workspace, params, audit }) => {
    const id = visibleWorkspaceId(params.id, workspace);
    if (id === null) return notFound();
    if (access.keyId !== null) return problem('forbidden_scope', 'This needs the instance key.');
    const deleted = await deleteRow(database, id, gone =>
      audit({
        action: 'workspace.deleted',
        workspaceId: id,
        resourceId: params.id,
        changes: fieldsOf(workspaceFacts(gone)),
      }),
    );
    registry.forget();
    return deleted ? answer(204) : notFound();
  });
