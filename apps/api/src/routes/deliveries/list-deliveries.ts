import { operations } from '@signpost/api-schema';
import { listDeliveries as list } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursor, readCursor, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { timeRange } from '../../time-range.ts';
import { deliveryBody } from './delivery-body.ts';

export const listDeliveries = ({ database }: ApiDependencies) =>
  route(operations.listDeliveries, async ({ workspace, query }) => {
    const start = readCursor('delivery', query.cursor);
    if (start.kind === 'problem') return start;
    const rows = await list(
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
      { limit: query.limit + 1, beforeId: start.beforeId },
    );
    return answer(200, toPage(rows, query.limit, deliveryBody, idCursor('delivery')));
  });
