import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from './wait-for.ts';

export interface ReceivedRequest {
  method: string;
  /** With the query string. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Name, value, name, value … as they came over the wire. */
  rawHeaders: string[];
  body: Buffer;
  /** Milliseconds since the epoch, taken when the body was complete. */
  receivedAtMs: number;
}

export interface ReceiverAnswer {
  /** Default 204. */
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** The answer waits for it; a promise that never settles is a receiver that never answers. */
  delay?: Promise<unknown>;
}

export interface Receiver {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  url: string;
  port: number;
  /** All that arrived, in the order of arrival. */
  requests: ReceivedRequest[];
  /** Waits until at least `count` requests have arrived and returns all of them. */
  waitForRequests(count: number, timeoutMs?: number): Promise<ReceivedRequest[]>;
  /** Changes how later requests are answered. */
  answerWith(script: AnswerScript): void;
  /** Cuts every connection and ends. Safe to call twice. */
  close(): Promise<void>;
}

/** @param index 0 for the first request that arrived */
type AnswerScript = (request: ReceivedRequest, index: number) => ReceiverAnswer | Promise<ReceiverAnswer>;

/** A receiver on 127.0.0.1 that keeps what arrives and answers 204, or as the script says. */
export async function startReceiver(script: AnswerScript = () => ({})): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  let answerScript = script;
  const server = createServer((request, response) => {
    readRequest(request)
      .then(async received => {
        const index = requests.push(received) - 1;
        await send(response, await answerScript(received, index));
      })
      // The sender went away, or the script itself failed: the sender sees a cut connection in both cases.
      .catch(() => response.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    waitForRequests: async (count, timeoutMs = 10_000) => {
      await waitFor(() => requests.length >= count, {
        timeoutMs,
        description: `${count} requests have arrived at the receiver`,
      }).catch((error: Error) => {
        throw new Error(`${error.message}; ${requests.length} did`, { cause: error });
      });
      return requests;
    },
    answerWith: next => {
      answerScript = next;
    },
    close: async () => {
      if (!server.listening) return;
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body: Buffer.concat(chunks),
    receivedAtMs: Date.now(),
  };
}

async function send(response: ServerResponse, answer: ReceiverAnswer): Promise<void> {
  await answer.delay;
  response.writeHead(answer.status ?? 204, answer.headers);
  response.end(answer.body);
}
