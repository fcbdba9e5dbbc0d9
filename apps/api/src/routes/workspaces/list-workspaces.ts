import { operations } from '@signpost/api-schema';
import { listWorkspaces as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { workspaceBody } from './workspace-body.ts';

export const listWorkspaces = ({ database, encryption }: ApiDependencies) =>
  route(operations.listWorkspaces, async ({ workspace, query }) => {
    const cursors = idCursors(encryption, 'workspace', workspace?.workspaceId ?? null);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    // Null with the instance's key alone: it sees all.
    const found = await list(database, workspace?.workspaceId ?? null, page);
    return answer(200, toPage(cursors, page, found, workspaceBody));
  });
