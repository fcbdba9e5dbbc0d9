import { operations } from '@signpost/api-schema';
import type { Registry } from '@signpost/runtime';
import { answerText } from '../../middleware/write-answer.ts';
import { type Route, route } from '../../routing.ts';

/** @param open whether anybody may read them; else the instance key alone */
export const metricsRoutes = (registry: Registry, open: boolean): Route[] => [
  route(open ? { ...operations.getMetrics, scope: null } : operations.getMetrics, async () =>
    answerText(200, registry.contentType, await registry.metrics()),
  ),
];
