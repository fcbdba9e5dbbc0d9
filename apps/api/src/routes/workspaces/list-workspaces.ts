import { operations } from '@signpost/api-schema';
import { findWorkspace, listWorkspaces as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursor, readCursor, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { workspaceBody } from './workspace-body.ts';

export const listWorkspaces = ({ database }: ApiDependencies) =>
  route(operations.listWorkspaces, async ({ workspace, query }) => {
    const start = readCursor('workspace', query.cursor);
    if (start.kind === 'problem') return start;
    const { limit } = query;
    const rows =
      workspace === null
        ? await list(database, { limit: limit + 1, beforeId: start.beforeId })
        : [await findWorkspace(database, workspace.workspaceId)].filter(row => row !== null);
    return answer(200, toPage(rows, limit, workspaceBody, idCursor('workspace')));
  });
