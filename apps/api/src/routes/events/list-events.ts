import { operations } from '@signpost/api-schema';
import { listDeliveriesOfEvents, listEvents as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answerText } from '../../middleware/write-answer.ts';
import { idCursors, readPageQuery, toCursors } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { timeRange } from '../../time-range.ts';
import { eventText, jsonContentType } from './event-text.ts';

/** Deliveries that each event of a list shows. */
const maxDeliveriesInList = 10;
/** A page whose payloads reach this ends early. */
const maxPagePayloadBytes = 4 * 1024 * 1024;
export const listEvents = ({ database, encryption }: ApiDependencies) =>
  route(operations.listEvents, async ({ workspace, query }) => {
    const cursors = idCursors(encryption, 'event', workspace.workspaceId);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const { event_type: eventType = null, subject = null } = query;
    const found = await list(
      database,
      workspace.workspaceId,
      { eventType, subject, ids: timeRange(query) },
      page,
      maxPagePayloadBytes,
    );
    const deliveries = await listDeliveriesOfEvents(
      database,
      found.rows.map(event => event.id),
      maxDeliveriesInList,
    );
    const data = found.rows.map(event => eventText(event, deliveries.get(event.id))).join(',');
    const rest = JSON.stringify(toCursors(cursors, page, found)).slice(1);
    return answerText(200, jsonContentType, `{"data":[${data}],${rest}`);
  });
