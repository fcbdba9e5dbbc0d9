// The floor under the queue: BullMQ alone, adding and working off empty jobs in one process, as the dispatcher does both.
import { workerConnection } from '@signpost/queue';
import { Queue, Worker } from 'bullmq';
import { nowUs, serveCommands } from './bench-process.ts';
import type { QueueFloorCommands } from './commands.ts';

const queueName = 'bench-floor';
const jobsAtOnce = 500;

type RunInput = QueueFloorCommands['run']['input'];

async function run({ redisUrl, jobs, concurrency }: RunInput): Promise<{ seconds: number }> {
  const queue = new Queue(queueName, { connection: workerConnection(redisUrl) });
  let worked = 0;
  let allWorked: () => void = () => undefined;
  const finished = new Promise<void>(resolve => (allWorked = resolve));
  const worker = new Worker(queueName, async () => void (++worked === jobs && allWorked()), {
    connection: workerConnection(redisUrl),
    concurrency,
  });
  const broken = new Promise<never>((_, reject) => {
    queue.on('error', reject);
    worker.on('error', reject);
    worker.on('failed', (_job, error) => reject(error));
  });
  broken.catch(() => undefined);
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  const startUs = nowUs();
  await Promise.race([Promise.all([addAll(queue, jobs), finished]), broken]);
  const seconds = (nowUs() - startUs) / 1e6;
  await worker.close();
  await queue.close();
  return { seconds };
}

async function addAll(queue: Queue, jobs: number): Promise<void> {
  for (let first = 0; first < jobs; first += jobsAtOnce)
    await queue.addBulk(
      Array.from({ length: Math.min(jobsAtOnce, jobs - first) }, (_, index) => ({
        name: 'empty',
        data: { n: first + index },
        opts: { removeOnComplete: true, removeOnFail: true },
      })),
    );
}

serveCommands<QueueFloorCommands>(0, { run });
