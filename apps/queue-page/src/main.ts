import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openQueues } from '@signpost/queue';
import { announceReady, createLogger, createShutdown, loadSettings } from '@signpost/runtime';
import { findConfigFault, queuePageSettings } from './config.ts';
import { createQueuePage } from './queue-page.ts';

const title = 'Signpost queue page';
const config = loadSettings(title, queuePageSettings);
const fault = findConfigFault(config);
if (fault !== null) {
  process.stderr.write(`${title}: cannot start.\n${fault}\n`);
  process.exit(1);
}
const logger = createLogger('queue-page', config.LOG_LEVEL);
const shutdown = createShutdown({ logger, graceMs: 5000 });
const opened = openQueues({
  redisUrl: config.REDIS_URL,
  onError: error => logger.debug({ error }, 'connection to Redis broke'),
});
shutdown.add({ name: 'queues', close: () => opened.close() });

const server = createServer(createQueuePage({ queues: opened, password: config.QUEUE_PAGE_PASSWORD ?? null }));
shutdown.add({
  name: 'server',
  close: () =>
    new Promise(resolve => {
      server.close(resolve);
      server.closeAllConnections();
    }),
});
server.once('error', error => {
  logger.fatal({ error }, 'cannot start');
  shutdown.stop('cannot start', 1);
});
server.listen(config.PORT, config.HOST, () => {
  const { port } = server.address() as AddressInfo;
  logger.info({ host: config.HOST, port }, 'queue-page.listening');
  announceReady({ port });
});
