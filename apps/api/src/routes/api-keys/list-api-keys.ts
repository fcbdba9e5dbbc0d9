import { operations } from '@signpost/api-schema';
import { listApiKeys as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursor, readCursor, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { apiKeyBody } from './api-key-body.ts';

export const listApiKeys = ({ database }: ApiDependencies) =>
  route(operations.listApiKeys, async ({ workspace, query: { limit, cursor } }) => {
    const start = readCursor('apiKey', cursor);
    if (start.kind === 'problem') return start;
    const rows = await list(database, workspace.workspaceId, { limit: limit + 1, beforeId: start.beforeId });
    return answer(200, toPage(rows, limit, apiKeyBody, idCursor('apiKey')));
  });
