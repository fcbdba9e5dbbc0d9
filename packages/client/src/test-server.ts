import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Surroundings } from './call.ts';

/** What the API's place does with one request. */
export type Step =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  /** The connection is reset without an answer. */
  | 'reset'
  /** The answer begins and is cut in the middle of its body. */
  | 'cut'
  /** No answer, until the client goes. */
  | 'hang'
  | ((request: SeenRequest, response: ServerResponse) => void);

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface TestServer {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** Connections that were made. */
  readonly sockets: ReadonlySet<Socket>;
  /** Resolves at the next request, when its body is there and before it is answered. */
  nextRequest(): Promise<unknown>;
  close(): Promise<void>;
}

/** A server in the API's place. Each request takes the next step; the last step answers all that follow. */
export async function startTestServer(...steps: readonly [Step, ...Step[]]): Promise<TestServer> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void readRequest(request).then(seen => {
      const index = requests.push(seen) - 1;
      server.emit('seen');
      play(steps[Math.min(index, steps.length - 1)] as Step, seen, response);
    });
  });
  server.on('connection', socket => sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    nextRequest: () => once(server, 'seen'),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = '', url = '', headers } = request;
  return { method, path: url, headers, text: Buffer.concat(chunks).toString() };
}

function play(step: Step, seen: SeenRequest, response: ServerResponse): void {
  if (typeof step === 'function') step(seen, response);
  else if (step === 'reset') response.socket?.resetAndDestroy();
  else if (step === 'cut') {
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"id":"evt_', () => response.socket?.resetAndDestroy());
  } else if (step !== 'hang') {
    const { status, headers, body } = step;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  }
}

/** A problem as the API writes it. */
export function problem(
  status: number,
  code: string,
  more: { detail?: string; headers?: Record<string, string>; errors?: unknown } = {},
): Step {
  const { detail = 'It went wrong.', headers, errors } = more;
  const body = { type: `/docs/errors#${code}`, title: 'Title.', status, detail, code, request_id: 'req-1', errors };
  return { status, body, headers: { 'content-type': 'application/problem+json', ...headers } };
}

export interface TestSurroundings extends Surroundings {
  /** Waits asked for, in ms. */
  readonly waits: number[];
}

/** Waiting takes no time but moves the clock; chance always says 0; keys are `key-1`, `key-2` … */
export function testSurroundings(more: Partial<Surroundings> = {}): TestSurroundings {
  const waits: number[] = [];
  let nowMs = 0;
  let keys = 0;
  return {
    waits,
    nowMs: () => nowMs,
    wait: ms => {
      waits.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    random: () => 0,
    makeIdempotencyKey: () => `key-${(keys += 1)}`,
    ...more,
  };
}
