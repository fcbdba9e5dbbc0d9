import diagnostics from 'node:diagnostics_channel';
import { afterEach, beforeEach } from '@jest/globals';
import type { ResolvedAddress, Resolver } from '../resolver.ts';

/** A resolver that gives these answers in turn, the last one for ever, and knows what it was asked. */
export function answering(...answers: (readonly string[])[]): Resolver & { asked: string[] } {
  const asked: string[] = [];
  const resolve = async (hostname: string): Promise<ResolvedAddress[]> => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    return answer.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
}

/** A resolver that takes its time, in ms. */
export function answeringLate(delayMs: number, address: string): Resolver {
  return () =>
    new Promise(resolve => {
      setTimeout(() => resolve([{ address, family: address.includes(':') ? 6 : 4 }]), delayMs);
    });
}

/** Counts the sockets that Node opens during a test: each announces itself. Proof that nothing was dialled. */
export function countDials(): { readonly count: number } {
  let count = 0;
  const onSocket = (): void => {
    count += 1;
  };
  beforeEach(() => {
    count = 0;
    diagnostics.subscribe('net.client.socket', onSocket);
  });
  afterEach(() => void diagnostics.unsubscribe('net.client.socket', onSocket));
  return {
    get count() {
      return count;
    },
  };
}
