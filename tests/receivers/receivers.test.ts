import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { builtInContracts, type CompiledContract, type SealedRequest } from '@signpost/contracts';
import { waitFor } from '@signpost/testing';

const root = path.resolve(import.meta.dirname, '../..');
const running: ChildProcess[] = [];

afterEach(async () => {
  for (const child of running.splice(0)) {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
});

interface RunningReceiver {
  readonly url: string;
  /** What it printed, without the line that tells its address. */
  readonly lines: readonly string[];
}

/** Runs an example as its first lines say, on a port of its own. */
async function run(example: string, contract: string, secret: string): Promise<RunningReceiver> {
  const child = spawn(process.execPath, [`examples/receivers/${example}.ts`], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', CONTRACT: contract, WEBHOOK_SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const printed: string[] = [];
  createInterface({ input: child.stdout }).on('line', line => printed.push(line));
  await waitFor(() => printed.length > 0, { timeoutMs: 20_000, description: `${example} listens` });
  const url = printed.shift()?.replace('listening on ', '') ?? '';
  return { url, lines: printed };
}

/** What is printed arrives on another way than the answer. */
async function waitForLine(lines: readonly string[], line: string): Promise<void> {
  await waitFor(() => lines.at(-1) === line, { timeoutMs: 5000, description: `the receiver prints ${line}` });
}

const data = '{"id":"bk_1","bookingId":"bk_1","workshopId":"ws_1","big":9007199254740993,"z":1.0,"name":"Zoë"}';

function seal(contract: CompiledContract, secret: string, method: string | null = null): SealedRequest {
  const attemptUnixSeconds = Math.floor(Date.now() / 1000);
  return contract.seal({
    eventId: 'evt_01jd3kq8e5f1x9a7m2c4v6b8n0',
    eventType: contract.document.event_types[0]?.name ?? 'invoice.paid',
    eventTimestampMs: attemptUnixSeconds * 1000,
    data,
    metadata: null,
    subject: null,
    deliveryId: 'del_01jd3kq8e5f1x9a7m2c4v6b8n0',
    attemptId: 'att_01jd3kq8e5f1x9a7m2c4v6b8n0',
    attemptUnixSeconds,
    method,
    secrets: [secret],
  });
}

async function send(url: string, { method, headers, body }: SealedRequest): Promise<number> {
  const response = await fetch(url, { method, headers, body: new Uint8Array(body) });
  await response.arrayBuffer();
  return response.status;
}

describe.each(['express', 'fastify'])('the example on %s', example => {
  test.each([...builtInContracts.values()].map(contract => [contract.name, contract] as const))(
    '%s: takes what was signed and has its bytes; refuses the rest with a reason',
    async (name, contract) => {
      const secret = contract.generateSecret();
      const { url, lines } = await run(example, name, secret);
      const method = contract.document.methods.at(-1) ?? null;
      const sealed = seal(contract, secret, method);
      expect(await send(url, sealed)).toBe(204);
      const members = name === 'nixflex' ? data.slice(1, -1) : data;
      expect(sealed.body.toString('utf8')).toContain(members);
      await waitForLine(lines, `accepted: ${sealed.body.toString('utf8')}`);

      expect(await send(url, seal(contract, contract.generateSecret(), method))).toBe(401);
      await waitForLine(lines, 'refused: signature_mismatch');
      const signatureHeaders = new Set(contract.document.signature.headers.map(each => each.name));
      const headers = Object.fromEntries(
        Object.entries(sealed.headers).filter(([each]) => !signatureHeaders.has(each)),
      );
      expect(await send(url, { ...sealed, headers })).toBe(401);
      await waitForLine(lines, 'refused: header_missing');
      expect(await send(url, { ...sealed, body: Buffer.alloc(0) })).toBe(401);
    },
  );

  test('an old request is refused; a fault of its own makes the sender try again', async () => {
    const contract = builtInContracts.get('slack') as CompiledContract;
    const secret = contract.generateSecret();
    const right = await run(example, 'slack', secret);
    const sealed = seal(contract, secret);
    const headers = { ...sealed.headers, 'X-Slack-Request-Timestamp': '1700000000' };
    expect(await send(right.url, { ...sealed, headers })).toBe(401);
    await waitForLine(right.lines, 'refused: timestamp_too_old');
    const wrong = await run(example, 'slack', '');
    expect(await send(wrong.url, sealed)).toBe(500);
    await waitForLine(wrong.lines, 'refused: secret_malformed');
  });

  test('while a secret is rotated, both are taken', async () => {
    const contract = builtInContracts.get('standard') as CompiledContract;
    const secrets = [contract.generateSecret(), contract.generateSecret()];
    const { url } = await run(example, 'standard', secrets.join(' '));
    for (const secret of secrets) expect(await send(url, seal(contract, secret))).toBe(204);
  });
});
