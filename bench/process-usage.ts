import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** What a process and all its descendants have used since they started. */
export interface Usage {
  readonly cpuUs: number;
  /** Private memory at its peak, and what the processes share once. Where there is no /proc: what is resident now. */
  readonly peakBytes: number;
}

const isLinux = process.platform === 'linux';
let ticksPerSecond: number | undefined;

/** @param pid of a process that runs */
export function readUsage(pid: number): Usage {
  return isLinux ? usageFromProc(pid) : usageFromPs(pid);
}

/** Lets the peak begin anew, where the system can. */
export function resetPeak(pid: number): void {
  if (!isLinux) return;
  for (const each of processTree(pid)) {
    try {
      writeFileSync(`/proc/${each}/clear_refs`, '5');
    } catch {
      // The peak stays that of its whole life.
    }
  }
}

/**
 * What the processors have not idled since they started, in µs, hence everything that ran, or that the host took away; NaN
 * where the system does not say. Idle time is measured, while the other columns of /proc/stat are counted at ticks and
 * miss what runs for less.
 */
export function machineCpuUs(): number {
  if (!isLinux) return Number.NaN;
  const stat = readFileSync('/proc/stat', 'utf8');
  const [, , , idle = 0, waiting = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  const processors = stat.match(/^cpu\d+ /gm)?.length ?? 1;
  return Number(process.hrtime.bigint() / 1000n) * processors - ticksToUs(idle + waiting);
}

function ticksToUs(ticks: number): number {
  ticksPerSecond ??= Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;
  return (ticks * 1e6) / ticksPerSecond;
}

function processTree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    return [pid, ...children.flatMap(processTree)];
  } catch {
    return [pid];
  }
}

function usageFromProc(pid: number): Usage {
  let cpuUs = 0;
  let privateBytes = 0;
  let sharedBytes = 0;
  for (const each of processTree(pid)) {
    try {
      const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
      // Behind the name, which may hold spaces: utime, stime, and the same of the children that have ended.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      cpuUs += ticksToUs(Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]));
      const status = readFileSync(`/proc/${each}/status`, 'utf8');
      const bytes = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
      const shared = bytes('RssShmem') + bytes('RssFile');
      privateBytes += Math.max(0, bytes('VmHWM') - shared);
      sharedBytes = Math.max(sharedBytes, shared);
    } catch {
      // It ended a moment ago; its time counts with its parent's.
    }
  }
  return { cpuUs, peakBytes: privateBytes + sharedBytes };
}

function usageFromPs(pid: number): Usage {
  const list = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,time='], { encoding: 'utf8' }).stdout.trim().split('\n');
  const rows = list.map(line => line.trim().split(/\s+/));
  const family = new Set([pid]);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const [id, parent] of rows) if (family.has(Number(parent))) family.add(Number(id));
  }
  let cpuUs = 0;
  let peakBytes = 0;
  for (const [id, , residentKib, time = ''] of rows) {
    if (!family.has(Number(id))) continue;
    cpuUs += psTimeToUs(time);
    peakBytes += Number(residentKib) * 1024;
  }
  return { cpuUs, peakBytes };
}

/** `[[days-]hours:]minutes:seconds[.hundredths]` */
function psTimeToUs(time: string): number {
  const [days, clock] = time.includes('-') ? (time.split('-') as [string, string]) : ['0', time];
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1e6;
}
