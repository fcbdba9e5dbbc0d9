import { waitFor } from '@signpost/testing';

/** What `/health/ready` says: its status, and whether each store is up. */
export interface Readiness {
  readonly status: number;
  readonly postgres: 'up' | 'down';
  readonly redis: 'up' | 'down';
}

export async function readReadiness(baseUrl: string): Promise<Readiness> {
  const answer = await fetch(`${baseUrl}/health/ready`);
  const { checks } = (await answer.json()) as { checks: Record<'postgres' | 'redis', { status: 'up' | 'down' }> };
  return { status: answer.status, postgres: checks.postgres.status, redis: checks.redis.status };
}

/** Waits until readiness is this. */
export async function waitForReadiness(baseUrl: string, expected: Readiness): Promise<void> {
  await waitFor(async () => JSON.stringify(await readReadiness(baseUrl)) === JSON.stringify(expected), {
    timeoutMs: 20_000,
    description: `${baseUrl}/health/ready says ${JSON.stringify(expected)}`,
  });
}
