// Keeps Debian from starting the service of a package that is being installed. policy-rc.d is the one means that both of its
// ways to start a service ask (invoke-rc.d and deb-systemd-invoke): RUNLEVEL=1 in the environment decides nothing under systemd.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isProcessAlive } from './process-table.ts';

const POLICY_FILE = '/usr/sbin/policy-rc.d';
/** What tells our file from that of somebody else, and who wrote it. */
const OURS = /^# Signpost, process (\d+),/m;

/** Exit code 101 denies, 0 allows: a file that outlived its process allows everything, as if it were not there. */
function policyText(): string {
  return `#!/bin/sh
# Signpost, process ${process.pid}, denies the start of services while it installs Redis, and deletes this file afterwards.
kill -0 ${process.pid} 2>/dev/null && exit 101
exit 0
`;
}

/**
 * Denies the start of services, unless this account cannot or the system has a policy of its own.
 *
 * @returns call it when the installation is over
 */
export function forbidServices(file = POLICY_FILE): () => void {
  try {
    writeFileSync(file, policyText(), { mode: 0o755, flag: 'wx' });
  } catch {
    return () => undefined;
  }
  return () => rmSync(file, { force: true });
}

/** Deletes what a run left there that was killed during an installation; a policy of somebody else stays. */
export function removeLeftoverPolicy(file = POLICY_FILE): void {
  try {
    const writer = OURS.exec(readFileSync(file, 'utf8'))?.[1];
    if (writer !== undefined && !isProcessAlive(Number(writer))) rmSync(file, { force: true });
  } catch {
    // There is none, or it is root's: then it allows everything, because its process is gone.
  }
}
