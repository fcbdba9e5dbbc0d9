// `npm test`: every check of the repository and two minutes of chaos, quiet when green. `npm test -- <pattern>` runs only the
// jest tests whose path matches. scripts/with-node-24.mjs has done the set-up by then. Each tool runs as its own process; a
// red one does not stop the others, so that one run shows everything.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** Jest takes about five minutes on two cores. A hung tool is ended some day, to say which one it was. */
const CHECK_TIMEOUT_MS = 12 * 60_000;
const KILL_GRACE_MS = 10_000;
/** The static checks are short, so two at a time keep two cores busy. Jest brings workers of its own. */
const STATIC_CHECKS_AT_ONCE = 2;

interface Check {
  name: string;
  /** Program in node_modules/.bin and its arguments. */
  command: readonly [string, ...string[]];
}

interface CheckResult {
  name: string;
  passed: boolean;
  durationMs: number;
  /** Printed beside the name, e.g. the count of tests. */
  note: string;
  /** What the tool wrote; shown only when it failed. */
  output: string;
}

interface TestCounts {
  passed: number;
  failed: number;
}

/** The fields of jest's `--json` file that are read here. */
interface JestReport {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  /** Suites that broke before their first test, e.g. by a failing import. */
  numRuntimeErrorTestSuites: number;
  numTotalTestSuites: number;
  testResults: { name: string; status: string; message: string }[];
}

const STATIC_CHECKS: readonly Check[] = [
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: ['biome', 'format', '.'] },
  {
    name: 'boundaries',
    command: ['depcruise', '--config', '.dependency-cruiser.mjs', 'apps', 'packages', 'scripts', 'bench', 'tests'],
  },
  { name: 'dead code', command: ['knip', '--no-progress'] },
];

/** Runs a program of node_modules/.bin to its end, or to the time limit, and collects what it writes. */
function run(
  [program, ...args]: Check['command'],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const bin = path.join(root, 'node_modules', '.bin');
    const child = spawn(path.join(bin, program), args, {
      cwd: root,
      env: {
        ...process.env,
        PATH: `${bin}${path.delimiter}${process.env['PATH']}`,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: string) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const limit = setTimeout(() => {
      output += `\nStopped after ${CHECK_TIMEOUT_MS / 60_000} minutes.\n`;
      child.kill('SIGTERM');
      setTimeout(() => {
        child.kill('SIGKILL');
        // A process that the tool left behind may hold the pipes open, and `close` would wait for it.
        child.stdout.destroy();
        child.stderr.destroy();
      }, KILL_GRACE_MS).unref();
    }, CHECK_TIMEOUT_MS);
    child.on('error', reject);
    child.on('close', code => {
      clearTimeout(limit);
      resolve({ code: code ?? 1, output });
    });
  });
}

async function runCheck(check: Check): Promise<CheckResult> {
  const startedAt = performance.now();
  const { code, output } = await run(check.command);
  return { name: check.name, passed: code === 0, durationMs: performance.now() - startedAt, note: '', output };
}

/** The whole system under faults, for two minutes; after jest, because it wants the machine for itself. */
async function runChaos(): Promise<CheckResult> {
  const result = await runCheck({ name: 'chaos', command: ['node', 'tests/chaos/run.ts'] });
  const events = /^events acknowledged +(\d+)/m.exec(result.output)?.[1] ?? '0';
  const deliveries = /^deliveries expected +(\d+)/m.exec(result.output)?.[1] ?? '0';
  const seed = /^Seed (\d+)/m.exec(result.output)?.[1] ?? '';
  return { ...result, note: `${events} events, ${deliveries} deliveries, seed ${seed}` };
}

/** Runs the checks, `STATIC_CHECKS_AT_ONCE` at a time, and prints each as it ends. */
async function runStaticChecks(): Promise<CheckResult[]> {
  const waiting = [...STATIC_CHECKS];
  const results: CheckResult[] = [];
  const takeTurns = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const result = await runCheck(check);
      results.push(result);
      print(result);
    }
  };
  await Promise.all(Array.from({ length: STATIC_CHECKS_AT_ONCE }, takeTurns));
  return results;
}

/** Runs jest with `patterns` as further arguments; no pattern means every test. */
async function runTests(patterns: readonly string[]): Promise<CheckResult & { counts: TestCounts }> {
  const startedAt = performance.now();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signpost-tests-'));
  const reportFile = path.join(folder, 'report.json');
  const { code, output } = await run(
    [
      'node',
      '--experimental-vm-modules',
      'node_modules/jest/bin/jest.js',
      // Tests of whole systems wait for processes and timers: three at a time keep two cores busy.
      '--maxWorkers=3',
      '--json',
      `--outputFile=${reportFile}`,
      ...patterns,
    ],
    { NODE_NO_WARNINGS: '1' },
  );
  const report = readReport(reportFile);
  rmSync(folder, { recursive: true });
  const skipped = report?.numPendingTests ?? 0;
  return {
    name: 'tests',
    passed: code === 0 && report?.success === true,
    durationMs: performance.now() - startedAt,
    note: report
      ? `${report.numPassedTests} tests in ${report.numTotalTestSuites} files${skipped > 0 ? `, ${skipped} skipped` : ''}`
      : '',
    output: (report && failuresIn(report)) || output,
    counts: {
      passed: report?.numPassedTests ?? 0,
      failed: report ? report.numFailedTests + report.numRuntimeErrorTestSuites : 1,
    },
  };
}

function readReport(file: string): JestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestReport;
  } catch {
    // Jest ended before it could write one; its output says why.
    return undefined;
  }
}

/** The failures alone, each under its file. Empty if no test file failed. */
function failuresIn(report: JestReport): string {
  return report.testResults
    .filter(file => file.status === 'failed')
    .map(file => `${path.relative(root, file.name)}\n${file.message}`)
    .join('\n');
}

function print({ name, passed, durationMs, note, output }: CheckResult): void {
  console.log(
    `${passed ? 'ok  ' : 'FAIL'}  ${name.padEnd(12)}${(durationMs / 1000).toFixed(1).padStart(7)} s  ${note}`.trimEnd(),
  );
  if (!passed) console.log(`\n${output.trim()}\n`);
}

async function main(patterns: readonly string[]): Promise<void> {
  const results = patterns.length > 0 ? [] : await runStaticChecks();
  const tests = await runTests(patterns);
  print(tests);
  const chaos = patterns.length > 0 ? [] : [await runChaos()];
  chaos.forEach(print);

  const red = [...results, tests, ...chaos].filter(result => !result.passed).map(result => result.name);
  if (red.length > 0) {
    console.log(`Failed: ${red.join(', ')}.`);
    process.exitCode = 1;
  }
  console.log(`${tests.counts.passed} passed, ${tests.counts.failed} failed`);
}

await main(process.argv.slice(2));
