export interface Part {
  name: string;
  stop(): Promise<void>;
}

/** What has been started, in that order; stopping goes backwards. */
export interface Stack {
  add(part: Part): void;
  /** Stops every part, also when one of them fails to; returns a sentence for each that failed. Later calls wait for the first. */
  stopAll(): Promise<string[]>;
}

export function createStack(): Stack {
  const parts: Part[] = [];
  let stopped: Promise<string[]> | undefined;
  const stopAll = async (): Promise<string[]> => {
    const failures: string[] = [];
    for (const part of parts.toReversed()) {
      try {
        await part.stop();
      } catch (error) {
        failures.push(`${part.name} did not stop: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return failures;
  };
  return { add: part => void parts.push(part), stopAll: () => (stopped ??= stopAll()) };
}
