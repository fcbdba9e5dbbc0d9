import { operations } from '@signpost/api-schema';
import { listDeliveries as list } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { timeRange } from '../../time-range.ts';
import { deliveryBody } from './delivery-body.ts';

export const listDeliveries = ({ database, encryption }: ApiDependencies) =>
  route(operations.listDeliveries, async ({ workspace, query }) => {
    const cursors = idCursors(encryption, 'delivery', workspace.workspaceId);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const found = await list(
      database,
      workspace.workspaceId,
      {
        webhookId: query.webhook_id === undefined ? null : parseId('webhook', query.webhook_id),
        eventId: query.event_id === undefined ? null : parseId('event', query.event_id),
        eventType: query.event_type ?? null,
        status: query.status ?? null,
        responseCode: query.response_code ?? null,
        ids: timeRange(query),
      },
      page,
    );
    return answer(200, toPage(cursors, page, found, deliveryBody));
  });
