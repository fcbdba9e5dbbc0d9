import { operations } from '@signpost/api-schema';
import { findEventType } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { eventTypeBody } from './event-type-body.ts';

export const getEventType = ({ database }: ApiDependencies) =>
  route(operations.getEventType, async ({ workspace, params }) => {
    const eventType = await findEventType(database, workspace.workspaceId, params.name);
    return eventType === null ? notFound() : answer(200, eventTypeBody(eventType));
  });
