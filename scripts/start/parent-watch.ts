import { spawnSync } from 'node:child_process';
import { isProcessAlive, processCommand } from '@signpost/stores';

const POLL_MS = 500;

/**
 * Calls back once the npm that runs this script is gone. npm passes signals on unless it is killed outright, and then we
 * would run on, unseen. npm is our parent, or the parent of a shell in between, which does not notice either.
 */
export function whenNpmEnds(callback: () => void): void {
  const parent = process.ppid;
  const watched = [parent];
  if (processCommand(parent)?.includes(' -c ') === true) {
    const ps = spawnSync('ps', ['-o', 'ppid=', '-p', String(parent)], { encoding: 'utf8' });
    const npm = Number(ps.stdout);
    if (ps.status === 0 && npm > 1) watched.push(npm);
  }
  const poll = setInterval(() => {
    if (process.ppid === parent && watched.every(isProcessAlive)) return;
    clearInterval(poll);
    callback();
  }, POLL_MS);
  poll.unref();
}
