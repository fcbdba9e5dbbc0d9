import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { expungeEventPayload } from './expunge-event-payload.ts';
import { getEvent } from './get-event.ts';
import { listEvents } from './list-events.ts';
import { publishBatch } from './publish-batch.ts';
import { publishEvent } from './publish-event.ts';

export const eventRoutes = (dependencies: ApiDependencies): Route[] => [
  publishEvent(dependencies),
  publishBatch(dependencies),
  listEvents(dependencies),
  getEvent(dependencies),
  expungeEventPayload(dependencies),
];
