/** Ends everything of a run, whatever state it is in. */
export interface Cleanup {
  /** Says how to end something that has just begun. */
  add(step: () => Promise<unknown> | void): void;
  /** Ends what began last first. Safe to call twice, and while the run still starts. */
  close(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const steps: (() => Promise<unknown> | void)[] = [];
  let closing: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop())
      await Promise.resolve()
        .then(step)
        .catch((error: unknown) => process.stderr.write(`While ending: ${String(error)}\n`));
  };
  return {
    add(step) {
      steps.push(step);
      // What began while everything was ending ends, too.
      if (closing !== null) closing = closing.then(run);
    },
    close: () => (closing ??= run()),
  };
}
