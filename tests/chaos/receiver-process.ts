// A receiver of the run, in a process of its own. Checks signatures, keeps what arrived, and fails at random, but takes
// each delivery in the end.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from './random.ts';
import type { FromReceiver, ReceivedRow, ToReceiver } from './receiver-messages.ts';

/** No delivery is refused more often: its schedule has room for more. */
const maxRefusals = 5;
const refusalProbability = 0.3;
/** A signature's time may differ by this from ours, in s (Standard Webhooks 1.0 leaves it to the receiver; 5 min is usual). */
const toleranceSeconds = 300;
const hangMs = 2500;
const rowsInMessage = 2000;

const random = createRandom(Number(process.argv[2]));
const rows = new Map<
  string,
  { -readonly [Name in keyof ReceivedRow]: ReceivedRow[Name] } & { digest: string; refused: number }
>();
const refusals: Record<string, number> = {};
const unsigned: string[] = [];
let secrets: Readonly<Record<string, string>> = {};
let isCalm = false;
let requests = 0;

type Answer = (response: ServerResponse) => Promise<void> | void;

const failures: readonly (readonly [number, string, Answer])[] = [
  [60, '500', response => void response.writeHead(500).end('broken')],
  // Rare: each lets everything else that goes to the webhook wait for a second.
  [1, '503 with Retry-After', response => void response.writeHead(503, { 'retry-after': '1' }).end()],
  [1, '429 with Retry-After', response => void response.writeHead(429, { 'retry-after': '1' }).end()],
  [20, 'no answer in time', async response => void (await delay(hangMs).then(() => response.destroy()))],
  [30, 'reset', response => void response.socket?.resetAndDestroy()],
];

const server = createServer((request, response) => {
  receive(request, response).catch(() => response.destroy());
});

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const row = note(request, body);
  if (!isCalm && row.refused < maxRefusals && random.chance(refusalProbability)) {
    row.refused += 1;
    const [name, answer] = random.weighted(failures.map(([weight, ...failure]) => [weight, failure] as const));
    refusals[name] = (refusals[name] ?? 0) + 1;
    await answer(response);
    return;
  }
  if (!isCalm && random.chance(0.1)) await delay(random.between(100, 600));
  row.taken += 1;
  row.firstTakenMs ??= Date.now();
  if (isCalm || !random.chance(0.05)) {
    response.writeHead(204).end();
    return;
  }
  // A success whose body never comes: the head has said all.
  response.writeHead(200, { 'content-length': '100' });
  response.flushHeaders();
  await delay(5);
  response.destroy();
}

function note(request: IncomingMessage, body: Buffer) {
  requests += 1;
  const path = request.url ?? '';
  const id = String(request.headers['webhook-id']);
  if (!isSigned(request, body)) unsigned.push(`${path} ${id}`);
  const digest = createHash('sha256').update(body).digest('base64');
  const key = `${path} ${id}`;
  let row = rows.get(key);
  if (row === undefined) {
    const { n } = (JSON.parse(body.toString('utf8')) as { data: { n: number } }).data;
    row = { path, id, n, requests: 0, taken: 0, firstTakenMs: null, otherBodies: 0, digest, refused: 0 };
    rows.set(key, row);
  }
  row.requests += 1;
  if (row.digest !== digest) row.otherBodies += 1;
  return row;
}

/** Standard Webhooks 1.0, "Signature scheme", written from its page: HMAC-SHA256 of id, time and body. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const secret = secrets[request.url ?? ''] ?? '';
  const time = String(request.headers['webhook-timestamp']);
  if (Math.abs(Number(time) - Date.now() / 1000) > toleranceSeconds) return false;
  const mac = createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
  const expected = mac
    .update(`${String(request.headers['webhook-id'])}.${time}.`)
    .update(body)
    .digest();
  return String(request.headers['webhook-signature'])
    .split(' ')
    .some(signature => {
      const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
}

function tell(message: FromReceiver): void {
  process.send?.(message);
}

function report(): void {
  let page: ReceivedRow[] = [];
  for (const { digest: _digest, refused: _refused, ...row } of rows.values()) {
    page.push(row);
    if (page.length < rowsInMessage) continue;
    tell({ kind: 'rows', rows: page });
    page = [];
  }
  tell({ kind: 'rows', rows: page });
  tell({ kind: 'end', requests, unsigned, refusals });
}

process.on('message', (message: ToReceiver) => {
  if (message.kind === 'secrets') secrets = message.byPath;
  else if (message.kind === 'calm') isCalm = true;
  else report();
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => tell({ kind: 'listening', port: (server.address() as AddressInfo).port }));
