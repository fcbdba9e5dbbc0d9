import { operations } from '@signpost/api-schema';
import { listEventTypes as list } from '@signpost/database';
import { isEventType } from '@signpost/delivery';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { decodeCursor, encodeCursor, invalidCursor, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { eventTypeBody } from './event-type-body.ts';

export const listEventTypes = ({ database }: ApiDependencies) =>
  route(operations.listEventTypes, async ({ workspace, query: { limit, cursor } }) => {
    const afterName = cursor === undefined ? null : decodeCursor(cursor);
    if (afterName !== null && !isEventType(afterName)) return invalidCursor();
    const rows = await list(database, workspace.workspaceId, { limit: limit + 1, afterName });
    return answer(
      200,
      toPage(rows, limit, eventTypeBody, row => encodeCursor(row.name)),
    );
  });
