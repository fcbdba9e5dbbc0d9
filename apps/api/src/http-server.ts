import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type ProblemCode, problemCodes } from '@signpost/api-schema';
import { dataSecurityHeaders, type Logger } from '@signpost/runtime';
import { afterEarlierAnswers, noteExchange } from './answer-order.ts';
import { problem, problemBody } from './errors/problem.ts';

/** A server that listens. */
export interface HttpServer {
  readonly port: number;
  /** Takes no new connections; resolves when those that are busy have had their answer, or are cut after the grace. */
  close(): Promise<void>;
}

/** How long slow senders hold a connection, in ms; they are looked for every `checkMs`. */
export interface SenderDeadlines {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly checkMs: number;
}

const defaultDeadlines: SenderDeadlines = { headersMs: 10_000, requestMs: 60_000, checkMs: 5000 };
/** Longer than load balancers keep theirs, usually 60 s. */
const keepAliveTimeoutMs = 65_000;
const closeGraceMs = 10_000;
const closePollMs = 50;

/**
 * @param port 0 takes a free one
 * @param logger gets a line for each request that the HTTP parser refuses
 */
export async function startHttpServer(
  listener: RequestListener,
  port: number,
  host: string,
  logger: Logger,
  deadlines = defaultDeadlines,
): Promise<HttpServer> {
  const server = createServer(
    {
      headersTimeout: deadlines.headersMs,
      requestTimeout: deadlines.requestMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: deadlines.checkMs,
      // Node's own refusal would be without a problem; see withHost.
      requireHostHeader: false,
    },
    withHost(listener, logger),
  );
  // Node's own answer would be an empty 417. An expectation that is not understood may be left alone (RFC 9110, 10.1.1).
  server.on('checkExpectation', withHost(listener, logger));
  // Node leaves out the headers beyond the 2,000th without a word, an idempotency key among them; 16 KiB bound them anyway.
  server.maxHeadersCount = 0;
  server.on('clientError', (error, socket) => answerClientError(error, socket as Socket, logger));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  // A connection that becomes idle after the close would be kept alive.
  const idle = setInterval(() => server.closeIdleConnections(), closePollMs);
  const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

/** A request of HTTP/1.1 names its host, and none names two (RFC 9112, section 3.2). */
function withHost(listener: RequestListener, logger: Logger): RequestListener {
  return (request, response) => {
    noteExchange(request, response);
    const hosts = countHosts(request.rawHeaders);
    if (hosts === 1 || (hosts === 0 && request.httpVersion === '1.0')) return listener(request, response);
    const { socket } = request;
    const reason = hosts === 0 ? 'host_missing' : 'host_repeated';
    afterEarlierAnswers(socket, true, () => answerSocket(socket, 'malformed_request', reason, logger));
  };
}

/** Node shows the first alone, and a proxy in front may have gone by another. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

const codeOfParserError: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

const parserAnswerHeaders = Object.entries({ 'cache-control': 'no-store', ...dataSecurityHeaders }).map(
  ([name, value]) => `${name}: ${value}`,
);

/** What the HTTP parser refuses reaches no route; its sender gets a problem all the same, and the log its line. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket, logger: Logger): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const code = codeOfParserError[error.code ?? ''] ?? 'malformed_request';
  afterEarlierAnswers(socket, false, () => answerSocket(socket, code, error.code, logger));
}

/** Writes a problem past Node's own writer, and ends the connection. @param reason for the log */
function answerSocket(socket: Socket, code: ProblemCode, reason: string | undefined, logger: Logger): void {
  if (!socket.writable) return void socket.destroy();
  const outcome = problem(code);
  const { status } = problemCodes[code];
  // The caller's own could not be read.
  const requestId = randomUUID();
  const content = JSON.stringify(problemBody(outcome, requestId));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    `x-request-id: ${requestId}`,
    'content-type: application/problem+json; charset=utf-8',
    ...parserAnswerHeaders,
    `content-length: ${Buffer.byteLength(content)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${content}`);
  logger.info({ request_id: requestId, status, code: outcome.code, parser_code: reason }, 'request.answered');
}
