import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { processCommand } from '@signpost/stores';
import { StartFailure } from './start-failure.ts';

export interface DataFolder {
  dir: string;
  /** Writes down where this run can be found, for scripts: `running.json` with `pid`, `url`, `demo_receiver_url`. */
  announce(url: string, demoReceiverUrl: string): void;
  release(): void;
}

interface Running {
  pid: number;
  url?: string;
  demo_receiver_url?: string;
}

/**
 * Takes a data folder for this process alone: two runs would take each other's stores away.
 *
 * The claim is a hard link to a file that is complete: making one fails where the name is taken, and nobody reads half a
 * claim. Replacing the claim of a run that is gone is exclusive by a second such link, under which it is looked at again.
 *
 * @throws {StartFailure} if another run has it
 */
export function takeDataFolder(dir: string): DataFolder {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const file = path.join(dir, 'running.json');
  const own = `${file}.${process.pid}`;
  const write = (running: Running): void => writeFileSync(own, JSON.stringify(running));
  write({ pid: process.pid });
  try {
    if (!claim(own, file)) takeOver(dir, own, file);
  } finally {
    rmSync(own, { force: true });
  }
  return {
    dir,
    announce: (url, demoReceiverUrl) => {
      write({ pid: process.pid, url, demo_receiver_url: demoReceiverUrl });
      renameSync(own, file);
    },
    release: () => rmSync(file, { force: true }),
  };
}

/** @returns false where the name is taken */
function claim(own: string, name: string): boolean {
  try {
    linkSync(own, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Replaces the claim of a run that is gone. */
function takeOver(dir: string, own: string, file: string): void {
  refuseIfRunning(dir, file);
  const turn = `${file}.takeover`;
  if (!claim(own, turn)) {
    refuseIfRunning(dir, turn);
    // It is gone already, or its process was killed within the few system calls that it is there for.
    throw new StartFailure(
      `Another start took over ${dir} at this moment: try again, and if it says so again, delete ${turn}`,
    );
  }
  try {
    // Somebody else may have had the turn since.
    refuseIfRunning(dir, file);
    renameSync(own, file);
  } finally {
    rmSync(turn, { force: true });
  }
}

function refuseIfRunning(dir: string, file: string): void {
  const other = readRunning(file);
  if (other === undefined) return;
  const where = other.url === undefined ? '' : `, ${other.url}`;
  throw new StartFailure(
    `Signpost already runs on ${dir} (process ${other.pid}${where}): stop it, or set DATA_DIR to another folder.`,
  );
}

/** The run that made a claim; undefined if it is gone, also when its process id now is something else's. */
function readRunning(file: string): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(file, 'utf8')) as Running;
    const isOther = running.pid !== process.pid && processCommand(running.pid)?.includes('start.ts') === true;
    return isOther ? running : undefined;
  } catch {
    return undefined;
  }
}
