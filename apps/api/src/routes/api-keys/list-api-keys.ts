import { operations } from '@signpost/api-schema';
import { listApiKeys as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { apiKeyBody } from './api-key-body.ts';

export const listApiKeys = ({ database, encryption }: ApiDependencies) =>
  route(operations.listApiKeys, async ({ workspace, query }) => {
    const cursors = idCursors(encryption, 'apiKey', workspace.workspaceId);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const found = await list(database, workspace.workspaceId, page);
    return answer(200, toPage(cursors, page, found, apiKeyBody));
  });
