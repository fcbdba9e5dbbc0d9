import { execFileSync } from 'node:child_process';

/** What a process holds in memory now, in bytes (resident set). */
export function residentBytes(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
}
