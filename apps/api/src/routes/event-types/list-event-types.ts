import { operations } from '@signpost/api-schema';
import { listEventTypes as list } from '@signpost/database';
import { isEventType } from '@signpost/delivery';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { nameCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { eventTypeBody } from './event-type-body.ts';

export const listEventTypes = ({ database, encryption }: ApiDependencies) =>
  route(operations.listEventTypes, async ({ workspace, query }) => {
    const cursors = nameCursors(encryption, 'event types', workspace.workspaceId, isEventType);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const found = await list(database, workspace.workspaceId, page);
    return answer(200, toPage(cursors, page, found, eventTypeBody));
  });
