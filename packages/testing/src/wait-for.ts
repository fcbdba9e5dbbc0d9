import { setTimeout as delay } from 'node:timers/promises';

interface WaitOptions {
  /** Default 10,000. */
  timeoutMs?: number;
  /** Ends the sentence "Gave up waiting until …" of the error. */
  description: string;
  /** Default 10. */
  intervalMs?: number;
}

/**
 * Asks again and again until the condition gives something truthy, and returns that. A condition that throws counts as not
 * yet; its last error becomes the `cause` of the failure.
 *
 * @throws {Error} when `timeoutMs` have passed
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, description, intervalMs = 10 }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const result = await condition();
      if (result) return result;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline)
      throw new Error(`Gave up waiting until ${description} (${timeoutMs} ms)`, { cause });
    await delay(intervalMs);
  }
}
