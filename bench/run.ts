// `npm run bench`: how fast is Signpost on this machine, and how far from the floors that the libraries under it set?
// README.md says what each line means.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { summarizeProfile } from './cpu-profile.ts';
import { type Floors, type LoadShape, meanFloors, measureFloors, measureFullLoad, measureLatency } from './loads.ts';
import { type BenchOptions, helpText, OptionError, type Part, parts, readOptions } from './options.ts';
import { areProofsKept, renderProofs } from './proof-report.ts';
import { proofTimeoutMs, proveAfterDowntime, proveFrozenRedis, proveRetryBurst, proveSoak } from './proofs.ts';
import { computeRatios, renderReport, type RunResult } from './report.ts';
import { measureSeals } from './seal.ts';
import { createStops, startSystem, type Stops } from './system.ts';

const resultsDir = path.join(import.meta.dirname, 'results');
const profileDir = path.join(resultsDir, 'profiles');
/** One run takes half a minute to a minute on two cores; more than this and something hangs. */
const runTimeoutMs = 5 * 60_000;
const latencyEventsPerSecond = 200;
const latencySeconds = 10;
/** Full load for 5 to 10 s each, so that garbage collection and the commits' fsyncs have their share. */
const sizes = { fanOut1: 20_000, fanOut100: 500, jobs: 20_000, posts: 40_000 };

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Progress, which is not part of what is kept. */
function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measureRun(options: BenchOptions, stops: Stops): Promise<RunResult> {
  const result: RunResult = {};
  const wants = (part: Part): boolean => options.parts.has(part);
  const scaled = (count: number): number => Math.max(10, Math.round(count * options.scale));
  if (wants('seal')) {
    note('sealing');
    // Before anything else runs here.
    result.seal = measureSeals();
  }
  if (options.parts.size === 1 && wants('seal')) return result;
  if (wants('soak')) result.soak = await proveSoak(options, stops, note);
  if (wants('retry-burst')) result.retryBurst = await proveRetryBurst(options, stops, note);
  if (wants('after-downtime')) result.afterDowntime = await proveAfterDowntime(options, stops, note);
  if (wants('frozen-redis')) result.frozenRedis = await proveFrozenRedis(stops, note);
  if (!parts.some(wants)) return result;
  note('starting stores, API and dispatcher');
  const system = await startSystem({ profile: options.profile, profileDir }, stops);
  const load = (webhooks: number, events: number): LoadShape => ({
    webhooks,
    events: scaled(events),
    warmUpEvents: scaled(events / 8),
    inFlight: options.inFlight,
    batch: options.batch,
  });
  const floors = async (when: string): Promise<Floors> => {
    note(`floors, ${when}`);
    return measureFloors(system, scaled(sizes.jobs), scaled(sizes.posts));
  };
  const floorsBefore = wants('floors') ? await floors('before') : undefined;
  if (wants('fan-out-1')) {
    note('full load, fan-out 1');
    result.fanOut1 = await measureFullLoad(system, load(1, sizes.fanOut1));
  }
  if (wants('latency')) {
    note(`${latencyEventsPerSecond} events/s for ${latencySeconds} s`);
    result.latency = await measureLatency(system, latencyEventsPerSecond, latencySeconds);
  }
  if (wants('fan-out-100')) {
    note('full load, fan-out 100');
    result.fanOut100 = await measureFullLoad(system, load(100, sizes.fanOut100));
  }
  if (floorsBefore !== undefined) result.floors = meanFloors(floorsBefore, await floors('after'));
  const logs = system.logs();
  if (logs !== '') note(`The apps had something to say:\n${logs.slice(-4000)}`);
  result.ratios = computeRatios(result);
  return result;
}

async function measureRuns(options: BenchOptions, stops: Stops): Promise<RunResult[]> {
  const runs: RunResult[] = [];
  for (let run = 1; run <= options.runs; run += 1) {
    if (options.runs > 1) note(`run ${run} of ${options.runs}`);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      const timeoutMs = runTimeoutMs + proofTimeoutMs(options);
      timer = setTimeout(() => reject(new Error(`The run took longer than ${timeoutMs / 1000} s`)), timeoutMs);
    });
    try {
      runs.push(await Promise.race([measureRun(options, stops), tooLate]));
    } finally {
      clearTimeout(timer);
      await stops.all();
    }
  }
  return runs;
}

function describeMachine() {
  let commit = 'unknown';
  try {
    commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    // A copy without its history.
  }
  return {
    commit,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? '',
    node: process.version,
    system: `${process.platform} ${process.arch}`,
  };
}

/** @returns the exit code */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    say(helpText);
    return 0;
  }
  const stops = createStops();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void stops.all().finally(() => process.exit(1)));
  if (process.connected) process.once('disconnect', () => void stops.all().finally(() => process.exit(1)));
  if (options.profile !== undefined) rmSync(profileDir, { recursive: true, force: true });
  mkdirSync(profileDir, { recursive: true });
  const startedAt = new Date().toISOString();
  const loadBefore = loadavg()[0] ?? 0;
  const runs = await measureRuns(options, stops);
  const machine = describeMachine();
  const header = `Signpost ${machine.commit}, ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, ${machine.system}`;
  say(`\n${header}; everything on this machine; load ${loadBefore.toFixed(1)} before\n`);
  say([...runs.flatMap(renderProofs), renderReport(runs)].join('\n'));
  if (options.profile !== undefined) {
    const { file, packages, functions } = summarizeProfile(profileDir);
    say(`\nPROFILE of the ${options.profile}, start-up included: ${path.relative(process.cwd(), file)}`);
    say(
      `${packages.join('\n')}\n\n${functions.join('\n')}\nProfiling slows down what it profiles: these figures are no measure.`,
    );
  }
  const { parts: measured, ...others } = options;
  const kept = {
    started_at: startedAt,
    load_before: loadBefore,
    machine,
    options: { ...others, parts: [...measured] },
    runs,
  };
  writeFileSync(path.join(resultsDir, 'latest.json'), `${JSON.stringify(kept, null, 2)}\n`);
  return areProofsKept(runs) ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  const isForPeople = error instanceof OptionError;
  process.stderr.write(
    `${isForPeople ? `${error.message}\n\n${helpText}` : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(1);
}
