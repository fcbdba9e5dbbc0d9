import { withDeadline } from './deadline.ts';

/** Something that a process stands on. */
export interface ReadinessCheck {
  readonly name: string;
  /** False: reported alone; the process can do its work without it. */
  readonly required: boolean;
  /** Rejects while it is down. */
  readonly check: () => Promise<unknown>;
}

/** What `/health/ready` answers: up or down, and never why. */
export interface Readiness {
  readonly status: 'ready' | 'not_ready';
  readonly checks: Record<string, { readonly status: 'up' | 'down'; readonly required: boolean }>;
}

/** Orchestrators ask every few seconds and give up soon. */
const checkTimeoutMs = 2000;

/** Asks everything at once. A check that does not answer in 2 s counts as down. */
export async function checkReadiness(checks: readonly ReadinessCheck[]): Promise<Readiness> {
  const states = await Promise.all(
    checks.map(async ({ name, required, check }) => ({ name, required, up: await isUp(name, check) })),
  );
  return {
    status: states.every(({ required, up }) => up || !required) ? 'ready' : 'not_ready',
    checks: Object.fromEntries(
      states.map(({ name, required, up }) => [name, { status: up ? 'up' : 'down', required }] as const),
    ),
  };
}

/** A check may also throw before it has a promise. */
async function isUp(name: string, check: () => Promise<unknown>): Promise<boolean> {
  try {
    await withDeadline(check(), checkTimeoutMs, name);
    return true;
  } catch {
    return false;
  }
}
