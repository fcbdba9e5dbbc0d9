import { Counter, Histogram, type Registry } from '@signpost/runtime';

/** Counts and times the answers. */
export interface RequestMetrics {
  /** @param operationId of the operation, or `none` where no route was found */
  observe(operationId: string, status: number, seconds: number): void;
}

/** Labels are bounded: operations and statuses, never paths or keys. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const requests = new Counter({
    name: 'signpost_http_requests_total',
    help: 'Answers of the API.',
    labelNames: ['operation', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'signpost_http_request_duration_seconds',
    help: 'Time from the head of a request to its answer.',
    labelNames: ['operation'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  return {
    observe(operation, status, seconds) {
      requests.inc({ operation, status });
      durations.observe({ operation }, seconds);
    },
  };
}
