import { createServer, type Server } from 'node:http';
import type { Registry } from '@signpost/runtime';

/** Health and metrics of a dispatcher, for orchestrators and Prometheus; never on a public port. */
export interface InternalServerOptions {
  readonly port: number;
  readonly registry: Registry;
  /** Rejects while the dispatcher cannot work. */
  readonly checkReady: () => Promise<void>;
}

const json = 'application/json';

export async function startInternalServer({ port, registry, checkReady }: InternalServerOptions): Promise<Server> {
  const describe = async (path: string | undefined): Promise<[status: number, type: string, body: string]> => {
    if (path === '/health/live') return [200, json, '{"status":"ok"}'];
    if (path === '/metrics') return [200, registry.contentType, await registry.metrics()];
    if (path !== '/health/ready') return [404, json, '{"status":"not_found"}'];
    await checkReady();
    return [200, json, '{"status":"ok"}'];
  };
  const server = createServer((request, response) => {
    void describe(request.url)
      .catch(() => [503, json, '{"status":"unavailable"}'] as const)
      .then(([status, type, body]) => response.writeHead(status, { 'content-type': type }).end(body));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, resolve));
  return server;
}
