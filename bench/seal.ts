import { createHmac, randomBytes } from 'node:crypto';
import { builtInContracts, type CompiledContract, type SealInput } from '@signpost/contracts';
import { median } from './statistics.ts';

export interface SealCost {
  /** Body, headers and signature of one attempt. */
  readonly sealUs: number;
  /** One bare HMAC-SHA256 of the same body. */
  readonly hmacUs: number;
  readonly bodyBytes: number;
}

const dataBytes = 1024;
const roundCalls = 1000;
const warmUpRounds = 5;
const rounds = 25;

/** Times `seal` of every built-in contract with 1 KiB of data, in turns with the floor, and takes the middle of the rounds. */
export function measureSeals(): Record<string, SealCost> {
  return Object.fromEntries([...builtInContracts].map(([name, contract]) => [name, measureSeal(contract)]));
}

function measureSeal(contract: CompiledContract): SealCost {
  const input = sealInput(contract);
  const { body } = contract.seal(input);
  const key = randomBytes(32);
  const seals: number[] = [];
  const hmacs: number[] = [];
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    const sealUs = timeRound(call => contract.seal({ ...input, attemptUnixSeconds: input.attemptUnixSeconds + call }));
    const hmacUs = timeRound(() => createHmac('sha256', key).update(body).digest());
    if (round < warmUpRounds) continue;
    seals.push(sealUs);
    hmacs.push(hmacUs);
  }
  return { sealUs: median(seals), hmacUs: median(hmacs), bodyBytes: body.length };
}

/** @returns µs for each call */
function timeRound(work: (call: number) => unknown): number {
  const startedAt = performance.now();
  for (let call = 0; call < roundCalls; call += 1) work(call);
  return ((performance.now() - startedAt) * 1000) / roundCalls;
}

/** An event that the contract knows, if it names any, made as long as the others. */
function sealInput(contract: CompiledContract): SealInput {
  const type = contract.document.event_types[0];
  const example = { ...(type?.example as object | undefined), note: '' };
  const data = JSON.stringify({ ...example, note: 'n'.repeat(dataBytes - JSON.stringify(example).length) });
  return {
    eventId: 'evt_01hx0000000000000000000003',
    eventType: type?.name ?? 'invoice.paid',
    eventTimestampMs: 1_775_397_840_000,
    data,
    metadata: null,
    subject: null,
    deliveryId: 'del_01hx0000000000000000000001',
    attemptId: 'att_01hx0000000000000000000002',
    attemptUnixSeconds: 1_775_397_840,
    method: null,
    secrets: [contract.generateSecret()],
  };
}
