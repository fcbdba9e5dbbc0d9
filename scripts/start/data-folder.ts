import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
}

/**
 * Takes a data folder for this process alone: two runs would take each other's stores away.
 *
 * @throws {StartFailure} if another run has it
 */
export function takeDataFolder(dir: string): DataFolder {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const file = path.join(dir, 'running.json');
  const claim = JSON.stringify({ pid: process.pid });
  try {
    writeFileSync(file, claim, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = readRunning(file);
    if (other !== undefined) {
      const where = other.url === undefined ? '' : `, ${other.url}`;
      throw new StartFailure(
        `Signpost already runs on ${dir} (process ${other.pid}${where}): stop it, or set DATA_DIR to another folder.`,
      );
    }
    writeFileSync(file, claim);
  }
  return {
    dir,
    announce: (url, demoReceiverUrl) =>
      writeFileSync(file, JSON.stringify({ pid: process.pid, url, demo_receiver_url: demoReceiverUrl })),
    release: () => rmSync(file, { force: true }),
  };
}

/** The run that holds the folder; undefined if it is gone, also when its process id now is something else's. */
function readRunning(file: string): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(file, 'utf8')) as Running;
    const isOther = running.pid !== process.pid && processCommand(running.pid)?.includes('start.ts') === true;
    return isOther ? running : undefined;
  } catch {
    return undefined;
  }
}
