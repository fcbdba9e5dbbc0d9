import type { JobProducer } from '@signpost/queue';
import { Gauge, type Registry } from '@signpost/runtime';

const queues = ['fan-out', 'deliver'] as const;

/** Adds gauges of what the queues hold, read when the metrics are. While Redis is away they have no values. */
export function addQueueMetrics(registry: Registry, producer: Pick<JobProducer, 'depth'>): void {
  const jobs = new Gauge({
    name: 'signpost_queue_jobs',
    help: 'Jobs in Redis, by queue and state.',
    labelNames: ['queue', 'state'],
    registers: [registry],
    async collect() {
      jobs.reset();
      await Promise.allSettled(
        queues.map(async queue => {
          const depth = await producer.depth(queue);
          for (const [state, count] of Object.entries(depth)) jobs.set({ queue, state }, count);
        }),
      );
    },
  });
}
