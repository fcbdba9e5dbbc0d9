import type { Floors, FullLoad, Latency } from './loads.ts';
import type { RetryBurstResult } from './retry-burst.ts';
import type { SealCost } from './seal.ts';
import type { AfterDowntimeResult } from './after-downtime.ts';
import type { FrozenRedisResult } from './frozen-redis.ts';
import type { SoakResult } from './soak.ts';
import { type Spread, spreads } from './statistics.ts';
import { processNames } from './system.ts';

/** What one run measured; parts that were not asked for are missing. */
export interface RunResult {
  seal?: Readonly<Record<string, SealCost>>;
  fanOut1?: FullLoad;
  fanOut100?: FullLoad;
  latency?: Latency;
  soak?: SoakResult;
  retryBurst?: RetryBurstResult;
  afterDowntime?: AfterDowntimeResult;
  frozenRedis?: FrozenRedisResult;
  floors?: Floors;
  ratios?: Readonly<Record<'fanOut1' | 'fanOut100', Ratios | undefined>>;
}

/** Signpost's figure divided by the floor's, both of the same run. */
export interface Ratios {
  readonly perJob: number;
  readonly perPost: number;
  readonly dispatcherCpu: number;
  readonly redisCpu: number;
}

/** The figures that Signpost is held to. */
const targets = {
  'fanOut1.acceptedPerSecond': { least: 2500 },
  'fanOut1.deliveriesPerSecond': { least: 2500 },
  'fanOut100.deliveriesPerSecond': { least: 5000 },
  'latency.receiptMs.p95': { below: 50 },
  'seal.standard.sealUs': { below: 15 },
} as const;

/** A delivery rate of at least this share of the rate of acceptance counts as the same. */
const asFastShare = 0.95;
const processLabels = {
  api: 'API',
  dispatcher: 'dispatcher',
  redis: 'Redis',
  postgres: 'Postgres',
  receiver: 'receiver',
  loadGenerator: 'load generator',
} as const;
/** Other programs that use more cores than this spoil the figures. */
const quietCores = 0.15;
const labelWidth = 38;

export function computeRatios(run: RunResult): RunResult['ratios'] {
  const { floors } = run;
  if (floors === undefined) return undefined;
  const ratiosOf = (load: FullLoad | undefined): Ratios | undefined =>
    load && {
      perJob: load.deliveriesPerSecond / floors.jobsPerSecond,
      perPost: load.deliveriesPerSecond / floors.postsPerSecond,
      dispatcherCpu: load.cpuUsPerDelivery.dispatcher / (floors.jobNodeUs + floors.postUs),
      redisCpu: load.cpuUsPerDelivery.redis / floors.jobRedisUs,
    };
  return { fanOut1: ratiosOf(run.fanOut1), fanOut100: ratiosOf(run.fanOut100) };
}

/** The table that people read: of several runs the medians, with the lowest and the highest behind them. */
export function renderReport(runs: readonly RunResult[]): string {
  const figures = spreads(runs);
  const has = (part: keyof RunResult): boolean => runs.some(run => run[part] !== undefined);
  const cell = (path: string, digits = 0): string => formatSpread(figures.get(path), digits, runs.length > 1);
  const width = runs.length > 1 ? 24 : 14;
  const row = (label: string, ...cells: string[]): string =>
    `${label.padEnd(labelWidth)}${cells.map(text => text.padStart(width)).join('')}`.trimEnd();
  const lines: string[] = [];
  if (has('fanOut1') || has('fanOut100')) lines.push(...fullLoadLines(figures, cell, row));
  if (has('latency')) lines.push(...latencyLines(cell, row));
  if (has('floors'))
    lines.push(
      row('FLOORS', 'per second', 'CPU µs Node', 'CPU µs Redis'),
      row(
        '  BullMQ addBulk + empty job',
        cell('floors.jobsPerSecond'),
        cell('floors.jobNodeUs'),
        cell('floors.jobRedisUs'),
      ),
      row('  undici POST, 64 in flight', cell('floors.postsPerSecond'), cell('floors.postUs'), ''),
      row('  cores used by other programs', cell('floors.otherCores', 2)),
      '',
    );
  if (has('ratios')) lines.push(...ratioLines(cell, row));
  if (has('seal')) lines.push(...sealLines(runs, cell, row));
  return [...lines, ...noiseLines(figures), ...targetLines(figures)].join('\n');
}

type Cell = (path: string, digits?: number) => string;
type Row = (label: string, ...cells: string[]) => string;

function fullLoadLines(figures: ReadonlyMap<string, Spread>, cell: Cell, row: Row): string[] {
  const loads = ['fanOut1', 'fanOut100'];
  const both = (label: string, path: string, digits = 0): string =>
    row(`  ${label}`, ...loads.map(load => cell(`${load}.${path}`, digits)));
  const asFast = loads.map(load => {
    const share = figures.get(`${load}.deliveredShare`)?.median;
    if (share === undefined) return '–';
    return `${share >= asFastShare ? 'yes' : 'no'}, ${Math.round(share * 100)} %`;
  });
  return [
    row('FULL LOAD', 'fan-out 1', 'fan-out 100'),
    both('accepted events/s', 'acceptedPerSecond'),
    both('deliveries/s', 'deliveriesPerSecond'),
    row('  delivered as fast as accepted', ...asFast),
    both('last receipt after last 202, ms', 'lagMs'),
    both('received twice', 'duplicates'),
    '  CPU µs per delivery',
    ...processNames.map(name => both(`  ${processLabels[name]}`, `cpuUsPerDelivery.${name}`)),
    both('CPU allows, deliveries/s', 'cpuCeilingPerSecond'),
    '  peak memory, MiB',
    ...processNames.map(name => both(`  ${processLabels[name]}`, `peakMiB.${name}`)),
    both('cores used by other programs', 'otherCores', 2),
    '',
  ];
}

function latencyLines(cell: Cell, row: Row): string[] {
  const shares = ['p50', 'p95', 'p99', 'max'];
  const line = (label: string, name: string): string =>
    row(`  ${label}`, ...shares.map(share => cell(`latency.${name}.${share}`, 1)));
  return [
    row('LATENCY at a steady rate, ms', ...shares),
    line('publish to receipt', 'receiptMs'),
    line('publish to 202', 'answerMs'),
    line('load generator late by', 'latenessMs'),
    row('  cores used by other programs', cell('latency.otherCores', 2)),
    '',
  ];
}

function ratioLines(cell: Cell, row: Row): string[] {
  const both = (label: string, name: keyof Ratios): string =>
    row(`  ${label}`, cell(`ratios.fanOut1.${name}`, 2), cell(`ratios.fanOut100.${name}`, 2));
  return [
    row('SIGNPOST / FLOOR', 'fan-out 1', 'fan-out 100'),
    both('deliveries/s / BullMQ jobs/s', 'perJob'),
    both('deliveries/s / undici POSTs/s', 'perPost'),
    both('dispatcher CPU / (BullMQ + undici)', 'dispatcherCpu'),
    both("Redis CPU / BullMQ's Redis CPU", 'redisCpu'),
    '',
  ];
}

function sealLines(runs: readonly RunResult[], cell: Cell, row: Row): string[] {
  const contracts = Object.keys(runs[0]?.seal ?? {});
  return [
    row('SEALING 1 KiB of data, µs', 'seal', 'bare HMAC'),
    ...contracts.map(name => row(`  ${name}`, cell(`seal.${name}.sealUs`, 1), cell(`seal.${name}.hmacUs`, 1))),
    '',
  ];
}

function noiseLines(figures: ReadonlyMap<string, Spread>): string[] {
  const worst = Math.max(...[...figures].map(([path, { high }]) => (path.endsWith('.otherCores') ? high : 0)));
  if (!(worst > quietCores)) return [];
  return [
    `NOISY: other programs used up to ${worst.toFixed(1)} cores. Rates and times are too bad; quotients and CPU less so.`,
    '',
  ];
}

function targetLines(figures: ReadonlyMap<string, Spread>): string[] {
  const lines: string[] = [];
  for (const [path, target] of Object.entries(targets)) {
    const value = figures.get(path)?.median;
    if (value === undefined) continue;
    const met = 'least' in target ? value >= target.least : value < target.below;
    const wanted = 'least' in target ? `at least ${format(target.least, 0)}` : `below ${target.below}`;
    lines.push(
      `  ${met ? 'met   ' : 'MISSED'} ${path.padEnd(32)} ${format(value, value < 100 ? 1 : 0)}, wanted ${wanted}`,
    );
  }
  return lines.length === 0 ? [] : ['TARGETS', ...lines];
}

function formatSpread(spread: Spread | undefined, digits: number, withRange: boolean): string {
  if (spread === undefined || Number.isNaN(spread.median)) return '–';
  const { median, low, high } = spread;
  const middle = format(median, digits);
  return withRange ? `${middle} (${format(low, digits)}–${format(high, digits)})` : middle;
}

function format(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
