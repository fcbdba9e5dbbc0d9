import type { CompiledContract } from './compile-contract.ts';
import type { SealInput } from './seal-input.ts';

/** Unix seconds of 2026-04-05T14:04:00Z, the time of the examples in the vectors. */
export const exampleSeconds = 1775397840;

/** A seal input with the given parts in place of the example's. */
export function sealInput(parts: Partial<SealInput>): SealInput {
  return {
    eventId: 'evt_01hx0000000000000000000003',
    eventType: 'call.ended',
    eventTimestampMs: exampleSeconds * 1000,
    data: '{"id":"bk_77","bookingId":"bk_77","workshopId":"ws_9"}',
    metadata: null,
    subject: null,
    deliveryId: 'del_01hx0000000000000000000001',
    attemptId: 'att_01hx0000000000000000000002',
    attemptUnixSeconds: exampleSeconds,
    method: null,
    secrets: [],
    ...parts,
  };
}

/** An input with a new secret of the contract's own form. */
export function inputFor(contract: CompiledContract, parts: Partial<SealInput> = {}): SealInput {
  return sealInput({ secrets: [contract.generateSecret()], ...parts });
}
