import { operations } from '@signpost/api-schema';
import { listDeliveriesOfEvents, listEvents as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answerText } from '../../middleware/write-answer.ts';
import { idCursor, readCursor } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { timeRange } from '../../time-range.ts';
import { eventText, jsonContentType } from './event-text.ts';

/** Deliveries that each event of a list shows. */
const maxDeliveriesInList = 10;
/** A page whose payloads reach this ends early. */
const maxPagePayloadBytes = 4 * 1024 * 1024;

export const listEvents = ({ database }: ApiDependencies) =>
  route(operations.listEvents, async ({ workspace, query }) => {
    const start = readCursor('event', query.cursor);
    if (start.kind === 'problem') return start;
    const { event_type: eventType = null, subject = null, limit } = query;
    const { events, hasMore } = await list(
      database,
      workspace.workspaceId,
      { eventType, subject, ids: timeRange(query) },
      { limit, beforeId: start.beforeId },
      maxPagePayloadBytes,
    );
    const deliveries = await listDeliveriesOfEvents(
      database,
      events.map(event => event.id),
      maxDeliveriesInList,
    );
    const data = events.map(event => eventText(event, deliveries.get(event.id))).join(',');
    const last = events.at(-1);
    const nextCursor = hasMore && last !== undefined ? idCursor('event')(last) : null;
    return answerText(200, jsonContentType, `{"data":[${data}],"next_cursor":${JSON.stringify(nextCursor)}}`);
  });
