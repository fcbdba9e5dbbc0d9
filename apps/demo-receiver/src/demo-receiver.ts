import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { arrivalLine } from './arrival-line.ts';
import { createArrivals, eventTypeOf, type SignatureCheck } from './arrivals.ts';
import { arrivalsPage, STYLE, STYLE_PATH } from './page.ts';

export interface DemoReceiverParts {
  checkSignature: (headers: IncomingHttpHeaders, body: Buffer) => SignatureCheck;
  /** Gets one line for each webhook. */
  print: (line: string) => void;
  clock: { nowMs(): number };
}

/** The page shows what others sent: nothing in it runs, whatever it says, and no other page frames it. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

const ARRIVALS_KEPT = 50;
const LARGEST_BODY = 1024 * 1024;

/**
 * A server that shows what webhooks arrive. POST on any path is a webhook, answered with 204, or with the status that
 * `?status=` asks for; GET / is the page.
 */
export function createDemoReceiver({ checkSignature, print, clock }: DemoReceiverParts): Server {
  const arrivals = createArrivals(ARRIVALS_KEPT);

  const receive = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const body = await readBody(request);
    if (body === undefined) {
      response.writeHead(413, { ...securityHeaders, connection: 'close' }).end();
      return;
    }
    const answeredStatus = wantedStatus(url.searchParams.get('status'));
    const arrival = {
      receivedAtMs: clock.nowMs(),
      path: request.url ?? '/',
      headers: request.headers,
      body,
      eventType: eventTypeOf(body),
      webhookId: [request.headers['webhook-id']].flat()[0],
      check: checkSignature(request.headers, body),
      answeredStatus,
    };
    arrivals.add(arrival);
    print(arrivalLine(arrival));
    response.writeHead(answeredStatus, securityHeaders).end();
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://receiver');
    if (request.method === 'POST') return receive(request, response, url);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      response.writeHead(405, { ...securityHeaders, allow: 'GET, HEAD, POST' }).end();
    else if (url.pathname === '/') show(response, 'text/html', arrivalsPage(arrivals.newestFirst()));
    else if (url.pathname === STYLE_PATH) show(response, 'text/css', STYLE);
    else response.writeHead(404, { ...securityHeaders, 'content-type': 'text/plain' }).end('The page is at /\n');
  };

  return createServer((request, response) => {
    // The sender went away in the middle, or its URL makes no sense: nothing to answer, and no reason to end.
    answer(request, response).catch(() => response.destroy());
  });
}

/** Undefined if it is larger than allowed. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function wantedStatus(text: string | null): number {
  const status = Number(text);
  return text !== null && Number.isInteger(status) && status >= 200 && status <= 599 ? status : 204;
}

function show(response: ServerResponse, type: string, content: string): void {
  response
    .writeHead(200, {
      ...securityHeaders,
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'no-store',
    })
    .end(content);
}
