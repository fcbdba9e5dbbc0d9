import { operations } from '@signpost/api-schema';
import type { Registry } from '@signpost/runtime';
import { answerText } from '../../middleware/write-answer.ts';
import { type Route, route } from '../../routing.ts';

export const metricsRoutes = (registry: Registry): Route[] => [
  route(operations.getMetrics, async () => answerText(200, registry.contentType, await registry.metrics())),
];
