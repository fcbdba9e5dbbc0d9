export { workerConnection } from './connection.ts';
export {
  type DeliverJob,
  deliverJobSchema,
  deliverQueueName,
  type FanOutJob,
  fanOutJobSchema,
  fanOutQueueName,
} from './job-catalogue.ts';
export { QueueUnavailableError } from './job-states.ts';
export { type JobNotes, readJobNotes, writeJobNotes } from './job-notes.ts';
export { openQueues, type OpenQueues } from './open-queues.ts';
export { createJobProducer, type DueDelivery, type JobProducer, JobRefusedError, type QueueDepth } from './producer.ts';
export { openQueueAudit, type QueueAudit } from './queue-audit.ts';
export { checkRedisAtStart, RedisUnsuitableError } from './redis-check.ts';
