/**
 * What the schemas of one workspace may take of a process, whatever they are used for: they are compiled, and examples, test
 * data and published events are held against them. One workspace must not keep the others waiting.
 */
export interface SchemaTime {
  /** How long the schemas must rest because they have held up the process for too long, in ms; 0: they may be used. */
  restMs(): number;
  /** Does synchronous work by a schema. What it takes beyond `freeMs` is taken from the allowance. */
  charge<Result>(freeMs: number, work: () => Result): Result;
}

/** The schemas of a workspace may hold up the process for this long at once, in ms, … */
const allowanceMs = 1000;
/** … and regain this much of it every second: one workspace never takes more than a tenth of a process. */
const regainedMsPerSecond = 100;

interface Account {
  spentMs: number;
  /** When `spentMs` was right. */
  atMs: number;
}

/**
 * Keeps account for each workspace, by its id. It lives as long as the process: a change of the catalogue gives nothing back.
 *
 * @param nowMs a clock that only goes forward
 */
export function createSchemaTimes(nowMs = (): number => performance.now()): (workspaceId: string) => SchemaTime {
  // Of the workspaces that owe time alone, which are few.
  const accounts = new Map<string, Account>();
  const read = (workspaceId: string): Account | null => {
    const account = accounts.get(workspaceId);
    if (account === undefined) return null;
    const now = nowMs();
    account.spentMs -= ((now - account.atMs) * regainedMsPerSecond) / 1000;
    account.atMs = now;
    if (account.spentMs > 0) return account;
    accounts.delete(workspaceId);
    return null;
  };
  const spend = (workspaceId: string, ms: number): void => {
    const account = read(workspaceId);
    if (account === null) accounts.set(workspaceId, { spentMs: ms, atMs: nowMs() });
    else account.spentMs += ms;
  };
  return workspaceId => ({
    restMs() {
      const spentMs = read(workspaceId)?.spentMs ?? 0;
      return Math.max(0, ((spentMs - allowanceMs) * 1000) / regainedMsPerSecond);
    },
    charge(freeMs, work) {
      const startedMs = nowMs();
      try {
        return work();
      } finally {
        const ms = nowMs() - startedMs - freeMs;
        if (ms > 0) spend(workspaceId, ms);
      }
    },
  });
}
