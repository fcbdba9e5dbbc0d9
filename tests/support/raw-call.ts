import { Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import type { AnyJson } from './installation.ts';

/** What is written on the wire, apart from `Host`, `Content-Length` and `Connection`. */
export interface RawRequest {
  readonly method: string;
  /** As it goes on the wire: nothing is resolved or encoded any more. */
  readonly path: string;
  /** A list sends the header several times. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body; undefined where it is empty or not JSON. */
  readonly body: AnyJson;
  readonly durationMs: number;
}

export interface RawCaller {
  /** @throws if there is no answer within 10 s */
  call(request: RawRequest): Promise<RawAnswer>;
  close(): void;
}

const timeoutMs = 10_000;

/** Calls without the corrections that `fetch` makes: paths with `..`, headers sent twice, GET with a body. */
export function createRawCaller(baseUrl: string): RawCaller {
  const agent = new Agent({ keepAlive: true });
  const { port } = new URL(baseUrl);
  return {
    call: request => send(agent, Number(port), request),
    close: () => agent.destroy(),
  };
}

function send(agent: Agent, port: number, { method, path, headers, body }: RawRequest): Promise<RawAnswer> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const length: Record<string, number> =
      body === undefined || headers['transfer-encoding'] !== undefined
        ? {}
        : { 'content-length': Buffer.byteLength(body) };
    const sent = { ...length, ...headers } as Record<string, string>;
    const request = httpRequest(
      { agent, host: '127.0.0.1', port, method, path, headers: sent, timeout: timeoutMs },
      response => {
        const chunks: Buffer[] = [];
        response.on('data', chunk => chunks.push(chunk as Buffer));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = /json/.test(response.headers['content-type'] ?? '') && text !== '';
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: isJson ? JSON.parse(text) : undefined,
            durationMs: performance.now() - startedMs,
          });
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error(`No answer within ${timeoutMs} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}
