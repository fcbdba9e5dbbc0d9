import { createServer, type Server } from 'node:http';
import type { Registry } from '@signpost/runtime';

/** Health and metrics of a dispatcher, for orchestrators and Prometheus; never on a public port. */
export interface InternalServerOptions {
  readonly port: number;
  readonly registry: Registry;
  /** Rejects while the dispatcher cannot work. */
  readonly checkReady: () => Promise<void>;
}

export async function startInternalServer({ port, registry, checkReady }: InternalServerOptions): Promise<Server> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': type }).end(body);
    if (request.url === '/health/live') return answer(200, 'application/json', '{"status":"ok"}');
    if (request.url === '/metrics') return answer(200, registry.contentType, await registry.metrics());
    if (request.url !== '/health/ready') return answer(404, 'application/json', '{"status":"not_found"}');
    return checkReady().then(
      () => answer(200, 'application/json', '{"status":"ok"}'),
      () => answer(503, 'application/json', '{"status":"unavailable"}'),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, resolve));
  return server;
}
