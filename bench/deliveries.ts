// What every measurement does: make webhooks, wait until all has arrived and is recorded, and make sure that nothing is lost.
import { waitFor } from '@signpost/testing';
import type { Arrivals } from './commands.ts';
import type { System } from './system.ts';

/**
 * Deliveries that stop arriving for this long are lost, in ms: what a fault of a machine that is too busy leaves behind is
 * taken up after a lease of 15 s, or by the repairer after 30 s.
 */
const stallMs = 60_000;
const settleTimeoutMs = 60_000;
const pollMs = 50;
const publishTimeoutMs = 120_000;

/** Where and as what webhooks are made. */
export interface WebhookShape {
  /** Of the receiver. */
  readonly port: number;
  readonly events: readonly string[];
  readonly contract?: string;
}

/** Makes webhooks that differ in their paths, and deletes them when the work is done. */
export async function withWebhooks<T>(
  system: System,
  count: number,
  work: () => Promise<T>,
  shape: WebhookShape = { port: system.receiver.port, events: ['invoice.*'] },
): Promise<T> {
  const { port, ...fields } = shape;
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const url = `http://127.0.0.1:${port}/w/${index}`;
    const { id } = (await callApi(system, 'POST', '/v1/webhooks', { url, ...fields })) as { id: string };
    ids.push(id);
  }
  const result = await work();
  for (const id of ids) await callApi(system, 'DELETE', `/v1/webhooks/${id}`);
  return result;
}

/** @throws unless the answer is a success, with what it says */
export async function callApi({ api, apiKey }: System, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const response = await fetch(`${api.url}${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** Events with the sequence numbers from 0 on, as fast as the API takes them. */
export async function publishEvents({ loadGenerator, api, apiKey }: System, events: number): Promise<void> {
  await loadGenerator.ask(
    'publish',
    { origin: api.url, apiKey, events, firstSequence: 0, inFlight: 64, batch: 1 },
    publishTimeoutMs,
  );
}

/**
 * Ends as soon as that many are there.
 *
 * @throws if none has come for a while
 */
export async function waitForArrivals(
  receiver: { ask(name: 'progress', input: null): Promise<{ received: number }> },
  expected: number,
): Promise<void> {
  let best = -1;
  let stalledAt = performance.now() + stallMs;
  for (;;) {
    const { received } = await receiver.ask('progress', null);
    if (received >= expected) return;
    if (received > best) {
      best = received;
      stalledAt = performance.now() + stallMs;
    } else if (performance.now() > stalledAt)
      throw new Error(
        `DELIVERIES LOST: ${expected - received} of ${expected} had not arrived ${stallMs} ms after the last`,
      );
    await new Promise(resolve => setTimeout(resolve, pollMs));
  }
}

/** @throws unless exactly the expected ones arrived */
export function checkArrivals(
  { received, strangers }: Pick<Arrivals, 'received' | 'strangers'>,
  expected: number,
): void {
  if (received !== expected || strangers !== 0)
    throw new Error(
      `DELIVERIES WRONG: ${expected} expected, ${received} arrived, and ${strangers} that nobody was to send`,
    );
}

/** Waits until Postgres knows of no delivery that is pending. */
export async function waitUntilSettled({ database }: System): Promise<void> {
  const isSettled = async (): Promise<boolean> => {
    const { rowCount } = await database.query("select 1 from deliveries where status = 'pending' limit 1");
    return rowCount === 0;
  };
  await waitFor(isSettled, {
    timeoutMs: settleTimeoutMs,
    intervalMs: pollMs,
    description: 'no delivery is pending',
  });
}

/** Deliveries by status. */
export async function countDeliveries({ database }: System): Promise<Map<string, number>> {
  const { rows } = await database.query<{ status: string; count: string }>(
    'select status, count(*) as count from deliveries group by status',
  );
  return new Map(rows.map(({ status, count }) => [status, Number(count)]));
}
