import { operations } from '@signpost/api-schema';
import { checkReadiness, type ReadinessCheck } from '@signpost/runtime';
import { answer } from '../../middleware/write-answer.ts';
import { type Route, route } from '../../routing.ts';

export const healthRoutes = (checks: readonly ReadinessCheck[]): Route[] => [
  route(operations.getLiveness, () => answer(200, { status: 'live' })),
  route(operations.getReadiness, async () => {
    const readiness = await checkReadiness(checks);
    return answer(readiness.status === 'ready' ? 200 : 503, readiness);
  }),
];
