import { hash, timingSafeEqual } from 'node:crypto';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { OpenQueues } from '@signpost/queue';
import { pageSecurityHeaders } from '@signpost/runtime';
import express, { type Express, type Request, type Response } from 'express';
import { isLoopback } from './config.ts';

export interface QueuePageOptions {
  readonly queues: Pick<OpenQueues, 'fanOut' | 'deliver'>;
  /** Null: only requests that name this machine are answered. */
  readonly password: string | null;
}

/** bull-board's page sets a base and styles elements as it draws them; it runs no inline script. Its fonts from elsewhere stay out. */
const securityHeaders = pageSecurityHeaders(
  "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'",
);

/**
 * A page that shows what waits in Redis: bull-board, read only. Nothing can be added, retried or removed here: what is to
 * be delivered is decided in Postgres.
 */
export function createQueuePage({ queues, password }: QueuePageOptions): Express {
  const board = new ExpressAdapter();
  createBullBoard({
    queues: [queues.fanOut, queues.deliver].map(queue => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: board,
    options: { uiConfig: { boardTitle: 'Signpost queues' } },
  });
  const app = express().disable('x-powered-by');
  app.use((request, response, next) => {
    response.set(securityHeaders).set('cache-control', 'no-store');
    const refusal = password === null ? refuseOtherHosts(request) : askForPassword(request, password);
    if (refusal !== null) refuse(response, refusal);
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      refuse(response, { status: 405, text: 'The queue page is read only.', headers: { allow: 'GET, HEAD' } });
    else next();
  });
  return app.use('/', (board.getRouter() as Express).disable('x-powered-by'));
}

interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function refuse(response: Response, { status, text, headers = {} }: Refusal): void {
  response.status(status).set(headers).type('text/plain').send(`${text}\n`);
}

/** A page of another site can make its own name lead to this machine (DNS rebinding) and read what has no password. */
function refuseOtherHosts(request: Request): Refusal | null {
  if (isLoopback(request.hostname.replace(/^\[|\]$/g, ''))) return null;
  return { status: 403, text: 'Without QUEUE_PAGE_PASSWORD this page answers to localhost alone.' };
}

/** HTTP Basic (RFC 7617), any user name. Digests of equal length are compared in constant time. */
function askForPassword(request: Request, password: string): Refusal | null {
  const encoded = /^basic +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const given = Buffer.from(encoded, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
  if (timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', password, 'buffer'))) return null;
  return {
    status: 401,
    text: 'The password is QUEUE_PAGE_PASSWORD, with any user name.',
    headers: { 'www-authenticate': 'Basic realm="Signpost queues", charset="UTF-8"' },
  };
}
