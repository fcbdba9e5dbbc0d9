import type { Dispatcher } from './system.ts';

/** What these dispatchers have counted together, by their metrics. `repaired`: jobs that the repairer added for deliveries. */
export async function readCounter(
  dispatchers: readonly Dispatcher[],
  name: 'signpost_repaired_deliveries_total' | 'signpost_queue_rebuilds_total',
): Promise<number> {
  let total = 0;
  for (const { metricsUrl } of dispatchers) {
    const response = await fetch(metricsUrl);
    const text = await response.text();
    const count = new RegExp(`^${name}(?:\\{\\})? (\\d+)`, 'm').exec(text)?.[1];
    if (count === undefined)
      throw new Error(`${metricsUrl} was answered with ${response.status}: ${text.slice(0, 200)}`);
    total += Number(count);
  }
  return total;
}
