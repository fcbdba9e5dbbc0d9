import { afterEach } from '@jest/globals';
import { type Receiver, startReceiver } from '@signpost/testing';
import { type Installation, type InstallationOptions, startInstallation } from '../support/installation.ts';

/** What a fault test looks at: an installation, and a receiver for its webhooks. */
export interface StartedInstallation {
  readonly signpost: Installation;
  /** Answers 204 until told otherwise. */
  readonly receiver: Receiver;
}

/**
 * For the top of a test file: what is started ends after each test, however the test went. Hooks run in the order in
 * which they are written: an `afterEach` that needs the installation stands above the call.
 *
 * @returns starts a receiver and an installation; nothing has started until a test or a hook calls it
 */
export function useInstallation(): (options?: InstallationOptions) => Promise<StartedInstallation> {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  }, 60_000);
  return async options => {
    const receiver = await startReceiver();
    // Closed first: no dispatcher waits for an answer then.
    stops.push(() => receiver.close());
    const signpost = await startInstallation(options);
    stops.push(() => close(signpost));
    return { signpost, receiver };
  };
}

function close(signpost: Installation): Promise<void> {
  // One that a failed test left frozen would not end.
  for (const dispatcher of signpost.dispatchers) dispatcher.resume();
  return signpost.close();
}
