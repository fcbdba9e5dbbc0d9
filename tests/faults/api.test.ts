import { beforeEach, describe, expect, test } from '@jest/globals';
import { type AppProcess, type Receiver, startApp, waitFor } from '@signpost/testing';
import type { Installation } from '../support/installation.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();
let signpost: Installation;
let receiver: Receiver;
beforeEach(async () => {
  ({ signpost, receiver } = await start());
  await signpost.createWebhook({ url: receiver.url });
}, 60_000);

interface Accepted {
  readonly id: string;
  readonly duplicate: boolean;
}

/** @returns null where there was no answer: the connection was closed or could not be made */
async function publish(api: AppProcess, key: string): Promise<Accepted | null> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${api.url}/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${signpost.key}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify({ event_type: 'call.ended', data: { key } }),
    });
    text = await response.text();
  } catch {
    return null;
  }
  if (response.status !== 202 && response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as Accepted;
}

/** Publishes with 20 producers at a time, `count` events or until nobody answers. @returns what each key was answered */
async function publishAll(api: AppProcess, count: number, onAccepted: (accepted: number) => void) {
  const answers = new Map<string, Accepted | null>();
  let next = 0;
  let accepted = 0;
  const produce = async (): Promise<void> => {
    while (next < count) {
      const key = `key-${(next += 1)}`;
      const answer = await publish(api, key);
      answers.set(key, answer);
      if (answer === null) return;
      onAccepted((accepted += 1));
    }
  };
  await Promise.all(Array.from({ length: 20 }, produce));
  return answers;
}

describe('an API', () => {
  test('killed while it takes events: each key repeated at another API is one event', async () => {
    const other = await startApp('api', signpost.environment);
    try {
      const answers = await publishAll(signpost.api, 20_000, accepted => {
        if (accepted === 500) void signpost.api.kill();
      });
      const unanswered = [...answers].filter(([, answer]) => answer === null);
      expect(unanswered).toHaveLength(20);
      const ids = await Promise.all(
        [...answers].map(async ([key, answer]) => {
          const repeated = await publish(other, key);
          // What had an answer is the same event; what had none is one by now.
          if (answer !== null) expect(repeated).toMatchObject({ id: answer.id, duplicate: true });
          return repeated?.id ?? 'not taken';
        }),
      );
      expect(new Set(ids).size).toBe(answers.size);
      await expectNothingLost(signpost, receiver, ids);
    } finally {
      await other.stop();
    }
  }, 90_000);

  test('stopped by SIGTERM while it takes events: ends with 0, and what it accepted is delivered', async () => {
    let stopped: Promise<number | null> | undefined;
    const answers = await publishAll(signpost.api, 20_000, accepted => {
      if (accepted === 500) stopped = signpost.api.stop();
    });
    expect(await stopped).toBe(0);
    const accepted = [...answers.values()].filter(answer => answer !== null);
    expect(accepted.length).toBeLessThan(answers.size);
    // A producer without an answer cannot know, but here every request that was read was answered.
    await expectNothingLost(
      signpost,
      receiver,
      accepted.map(({ id }) => id),
    );
    await waitFor(async () => (await signpost.query('select from idempotency_keys')).length === accepted.length, {
      description: 'there is a key for each event',
    });
  }, 90_000);
});
