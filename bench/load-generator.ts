// Publishes events, and for the floor POSTs the same bytes straight to the receiver.
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { nowUs, serveCommands } from './bench-process.ts';
import type { GridInput, GridPublished, LoadCommands, Published, PublishInput } from './commands.ts';
import { percentiles } from './statistics.ts';

/** Requests in flight, at most, when events are published on a grid: more means that the API hangs. */
const maxGridConnections = 256;

const invoice = JSON.stringify({
  id: 'in_01hx5k9y3v',
  status: 'paid',
  currency: 'EUR',
  total: 128_340,
  customer: { id: 'cus_01hx2b7c9d', name: 'Vallstedt & Söner Möbler', country: 'SE', vat_id: 'SE556677889901' },
  lines: [
    { sku: 'TBL-OAK-180', description: 'Dining table, oak, 180 cm', quantity: 1, unit_price: 74_900 },
    { sku: 'CHR-OAK-02', description: 'Chair, oak, upholstered in grey wool', quantity: 4, unit_price: 12_360 },
    { sku: 'SHP-ROAD', description: 'Delivery to the kerb', quantity: 1, unit_price: 4000 },
  ],
  due_at: '2026-04-30T00:00:00Z',
  paid_at: '2026-04-05T14:04:00Z',
}).slice(1);

/** About 600 bytes. The receiver finds the two numbers by their names. */
function dataText(sequence: number, sentAtUs: number): string {
  return `{"sequence":${sequence},"sent_at_us":${sentAtUs},${invoice}`;
}

function eventText(sequence: number, sentAtUs: number, eventType = 'invoice.paid'): string {
  return `{"event_type":"${eventType}","data":${dataText(sequence, sentAtUs)}}`;
}

function batchText(first: number, count: number, sentAtUs: number): string {
  const events = Array.from({ length: count }, (_, index) => eventText(first + index, sentAtUs));
  return `{"events":[${events.join(',')}]}`;
}

interface Request {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function send(pool: Pool, request: Request, expected: number): Promise<void> {
  const { statusCode, body } = await pool.request({ method: 'POST', ...request });
  const text = await body.text();
  // Of a batch each item has its own verdict.
  if (statusCode !== expected || text.includes('"error":{'))
    throw new Error(`POST ${request.path} was answered with ${statusCode}: ${text.slice(0, 500)}`);
}

/** Sends all requests with `inFlight` at once. */
async function sendAll(
  origin: string,
  inFlight: number,
  count: number,
  expected: number,
  request: (index: number) => Request,
): Promise<Published> {
  const pool = new Pool(origin, { connections: inFlight, pipelining: 1 });
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await send(pool, request(next - 1), expected);
    }
  };
  try {
    const firstSendUs = nowUs();
    await Promise.all(Array.from({ length: inFlight }, lane));
    return { firstSendUs, lastAnswerUs: nowUs() };
  } finally {
    next = count;
    await pool.destroy();
  }
}

function publishHeaders(apiKey: string): Record<string, string> {
  return { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
}

function publish({ origin, apiKey, events, firstSequence, inFlight, batch }: PublishInput): Promise<Published> {
  const headers = publishHeaders(apiKey);
  if (batch === 1)
    return sendAll(origin, inFlight, events, 202, index => ({
      path: '/v1/events',
      headers,
      body: eventText(firstSequence + index, nowUs()),
    }));
  return sendAll(origin, inFlight, Math.ceil(events / batch), 202, index => ({
    path: '/v1/events/batch',
    headers,
    body: batchText(firstSequence + index * batch, Math.min(batch, events - index * batch), nowUs()),
  }));
}

/**
 * Each event is due at its own time and carries that time, so that an event held up by a slow one before it counts as late
 * from when it should have been sent.
 */
async function publishOnGrid({ origin, apiKey, events, eventType, perSecond }: GridInput): Promise<GridPublished> {
  const pool = new Pool(origin, { connections: maxGridConnections, pipelining: 1 });
  const headers = publishHeaders(apiKey);
  const latenessMs = new Float64Array(events);
  const answerMs = new Float64Array(events);
  const startUs = nowUs() + 20_000;
  const sendOne = async (sequence: number, dueUs: number): Promise<void> => {
    await send(pool, { path: '/v1/events', headers, body: eventText(sequence, dueUs, eventType) }, 202);
    answerMs[sequence] = (nowUs() - dueUs) / 1000;
  };
  const sent: Promise<void>[] = [];
  try {
    for (let sequence = 0; sequence < events; sequence += 1) {
      const dueUs = Math.round(startUs + (sequence * 1_000_000) / perSecond);
      // A timer may fire a little early.
      for (let leftUs = dueUs - nowUs(); leftUs > 0; leftUs = dueUs - nowUs()) await delay(Math.ceil(leftUs / 1000));
      latenessMs[sequence] = (nowUs() - dueUs) / 1000;
      const sending = sendOne(sequence, dueUs);
      // Told by Promise.all below, which may come later than the failure.
      sending.catch(() => undefined);
      sent.push(sending);
    }
    await Promise.all(sent);
    return { answerMs: percentiles(answerMs), latenessMs: percentiles(latenessMs) };
  } finally {
    await pool.destroy();
  }
}

/** As the dispatcher's requests look, without a dispatcher. */
function post({ origin, posts, inFlight }: LoadCommands['post']['input']): Promise<Published> {
  const headers = {
    'user-agent': 'Signpost-bench/0.1',
    'content-type': 'application/json',
    'webhook-id': 'evt_01hx0000000000000000000003',
    'webhook-timestamp': '1775397840',
    'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  };
  const envelope = '{"type":"invoice.paid","timestamp":"2026-04-05T14:04:00.000Z","data":';
  return sendAll(origin, inFlight, posts, 204, sequence => ({
    path: '/w/0',
    headers,
    body: `${envelope}${dataText(sequence, nowUs())}}`,
  }));
}

serveCommands<LoadCommands>(0, { publish, publishOnGrid, post });
