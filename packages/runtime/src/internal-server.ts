import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from './metrics.ts';
import { checkReadiness, type ReadinessCheck } from './readiness.ts';
import { dataSecurityHeaders } from './security-headers.ts';

/** Health and metrics for orchestrators and Prometheus, without a key: never on a port that the public reaches. */
export interface InternalServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  readonly registry: Registry;
  readonly checks: readonly ReadinessCheck[];
}

export interface InternalServer {
  readonly port: number;
  close(): Promise<void>;
}

type InternalAnswer = readonly [status: number, contentType: string, content: string];

const json = 'application/json; charset=utf-8';
const timeoutMs = 10_000;

/** @throws what listening reports: EADDRINUSE, EACCES */
export async function startInternalServer(options: InternalServerOptions): Promise<InternalServer> {
  const server = createServer({ headersTimeout: timeoutMs, requestTimeout: timeoutMs }, (request, response) => {
    void answer(request, options)
      .catch((): InternalAnswer => [500, json, '{"status":"failed"}'])
      .then(([status, type, content]) => {
        const headers = { ...dataSecurityHeaders, 'cache-control': 'no-store', 'content-type': type };
        response.writeHead(status, headers).end(content);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer({ method, url }: IncomingMessage, options: InternalServerOptions): Promise<InternalAnswer> {
  if (method !== 'GET' && method !== 'HEAD') return [405, json, '{"status":"method_not_allowed"}'];
  switch (url?.split('?', 1)[0]) {
    case '/health/live':
      return [200, json, '{"status":"live"}'];
    case '/health/ready': {
      const readiness = await checkReadiness(options.checks);
      return [readiness.status === 'ready' ? 200 : 503, json, JSON.stringify(readiness)];
    }
    case '/metrics':
      return [200, options.registry.contentType, await options.registry.metrics()];
    default:
      return [404, json, '{"status":"not_found"}'];
  }
}
