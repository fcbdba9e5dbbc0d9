import { operations } from '@signpost/api-schema';
import { findEvent, listDeliveriesOfEvents } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answerText } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { eventText, jsonContentType } from './event-text.ts';

/** Deliveries that an event shows; a fan-out to thousands is read page by page from the list of deliveries. */
const maxDeliveries = 100;

export const getEvent = ({ database }: ApiDependencies) =>
  route(operations.getEvent, async ({ workspace, params }) => {
    const id = parseId('event', params.id);
    const event = id === null ? null : await findEvent(database, workspace.workspaceId, id);
    if (event === null) return notFound();
    const deliveries = await listDeliveriesOfEvents(database, [event.id], maxDeliveries);
    return answerText(200, jsonContentType, eventText(event, deliveries.get(event.id)));
  });
