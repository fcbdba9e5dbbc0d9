import { operations, type ReadinessBody } from '@signpost/api-schema';
import { withDeadline } from '@signpost/runtime';
import { answer } from '../../middleware/write-answer.ts';
import { type Route, route } from '../../routing.ts';

/** Something that the API stands on. */
export interface ReadinessCheck {
  readonly name: string;
  /** False: reported alone; the API can do its work without it. */
  readonly required: boolean;
  /** Rejects while it is down. */
  readonly check: () => Promise<unknown>;
}

/** Orchestrators ask every few seconds and give up soon. */
const checkTimeoutMs = 2000;

export const healthRoutes = (checks: readonly ReadinessCheck[]): Route[] => [
  route(operations.getLiveness, () => answer(200, { status: 'live' })),
  route(operations.getReadiness, async () => {
    const states = await Promise.all(
      checks.map(async ({ name, required, check }) => ({ name, required, up: await isUp(name, check) })),
    );
    const ready = states.every(({ required, up }) => up || !required);
    const body: ReadinessBody = {
      status: ready ? 'ready' : 'not_ready',
      checks: Object.fromEntries(
        states.map(({ name, required, up }) => [name, { status: up ? 'up' : 'down', required }] as const),
      ),
    };
    return answer(ready ? 200 : 503, body);
  }),
];

function isUp(name: string, check: () => Promise<unknown>): Promise<boolean> {
  return withDeadline(check(), checkTimeoutMs, name).then(
    () => true,
    () => false,
  );
}
