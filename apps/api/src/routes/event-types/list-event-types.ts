import { operations } from '@signpost/api-schema';
import { listEventTypes as list } from '@signpost/database';
import { isEventType } from '@signpost/delivery';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { nameCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { eventTypeBody } from './event-type-body.ts';

const cursors = nameCursors(isEventType);

export const listEventTypes = ({ database }: ApiDependencies) =>
  route(operations.listEventTypes, async ({ workspace, query }) => {
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const found = await list(database, workspace.workspaceId, page);
    return answer(200, toPage(cursors, page, found, eventTypeBody));
  });
