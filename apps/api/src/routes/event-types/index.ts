import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { createEventType } from './create-event-type.ts';
import { deleteEventType } from './delete-event-type.ts';
import { getEventType } from './get-event-type.ts';
import { listEventTypes } from './list-event-types.ts';
import { updateEventType } from './update-event-type.ts';

export const eventTypeRoutes = (dependencies: ApiDependencies): Route[] => [
  createEventType(dependencies),
  listEventTypes(dependencies),
  getEventType(dependencies),
  updateEventType(dependencies),
  deleteEventType(dependencies),
];
