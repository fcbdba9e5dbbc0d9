import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { openDatabase } from './database.ts';
import { withRepairLock } from './repair.ts';
import { inTransaction } from './transaction.ts';
import { isDatabaseUnavailable } from './unavailable.ts';

const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** What a server writes that ends a session: FATAL 57P01. https://www.postgresql.org/docs/18/protocol-error-fields.html */
function terminated(): Buffer {
  const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to administrator command', ''];
  const body = Buffer.from(fields.map(field => `${field}\0`).join(''));
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Stands before Postgres and ends the first `count` sessions in the very bytes that say that they are ready. */
async function startEndingProxy(target: URL, count: number) {
  let left = count;
  const server = createServer(client => {
    const upstream = connect(Number(target.port), target.hostname);
    client.pipe(upstream);
    upstream.on('data', (bytes: Buffer) => {
      if (left === 0 || !bytes.subarray(-6).equals(readyForQuery)) return void client.write(bytes);
      left -= 1;
      client.end(Buffer.concat([bytes, terminated()]));
    });
    for (const socket of [client, upstream]) socket.on('error', () => {});
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return { url: url.href, close: () => new Promise(resolve => server.close(resolve)) };
}

let testDatabase: TestDatabase;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.drop());

describe('a connection that Postgres ends in the moment it is opened', () => {
  test.each([
    { of: 'a transaction', work: inTransaction },
    { of: 'the repair lock', work: withRepairLock },
  ])('fails the work of $of as unavailable and does not end the process; the next try succeeds', async ({ work }) => {
    const proxy = await startEndingProxy(new URL(testDatabase.url), 1);
    const database = openDatabase({
      url: proxy.url,
      maxConnections: 1,
      maxHotConnections: 1,
      onConnectionError: () => {},
    });
    const attempt = (): Promise<unknown> => work(database, async () => 'done');
    const error: unknown = await attempt().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(isDatabaseUnavailable(error)).toBe(true);
    expect(await attempt()).toBe('done');
    await database.close();
    await proxy.close();
  });
});
