import type { Dispatcher } from './system.ts';

/** Jobs that the repairers of these dispatchers have added for deliveries, by their metrics. */
export async function readRepairs(dispatchers: readonly Dispatcher[]): Promise<number> {
  let total = 0;
  for (const { metricsUrl } of dispatchers) {
    const response = await fetch(metricsUrl);
    const text = await response.text();
    const count = /^signpost_repaired_deliveries_total(?:\{\})? (\d+)/m.exec(text)?.[1];
    if (count === undefined)
      throw new Error(`${metricsUrl} was answered with ${response.status}: ${text.slice(0, 200)}`);
    total += Number(count);
  }
  return total;
}
