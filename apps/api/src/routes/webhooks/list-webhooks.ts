import { operations } from '@signpost/api-schema';
import { listWebhooks as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursor, readCursor, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { webhookBody } from './webhook-body.ts';

export const listWebhooks = ({ database }: ApiDependencies) =>
  route(operations.listWebhooks, async ({ workspace, query }) => {
    const start = readCursor('webhook', query.cursor);
    if (start.kind === 'problem') return start;
    const { limit, active = null, event_type: eventType = null, subject = null } = query;
    const rows = await list(
      database,
      workspace.workspaceId,
      { active, eventType, subject },
      { limit: limit + 1, beforeId: start.beforeId },
    );
    return answer(200, toPage(rows, limit, webhookBody, idCursor('webhook')));
  });
