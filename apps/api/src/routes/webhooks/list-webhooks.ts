import { operations } from '@signpost/api-schema';
import { listWebhooks as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { webhookBody } from './webhook-body.ts';

export const listWebhooks = ({ database, encryption }: ApiDependencies) =>
  route(operations.listWebhooks, async ({ workspace, query }) => {
    const cursors = idCursors(encryption, 'webhook', workspace.workspaceId);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const { active = null, event_type: eventType = null, subject = null } = query;
    const found = await list(database, workspace.workspaceId, { active, eventType, subject }, page);
    return answer(200, toPage(cursors, page, found, webhookBody));
  });
