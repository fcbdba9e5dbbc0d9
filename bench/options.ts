import { parseArgs } from 'node:util';
import type { ProfiledApp } from './system.ts';

export const parts = ['seal', 'fan-out-1', 'latency', 'fan-out-100', 'floors'] as const;
/** Done only when they are asked for: they take minutes, and they can fail. */
export const proofs = ['soak', 'retry-burst', 'after-downtime', 'frozen-redis'] as const;
export type Part = (typeof parts)[number] | (typeof proofs)[number];

export interface BenchOptions {
  readonly runs: number;
  readonly parts: ReadonlySet<Part>;
  readonly profile: ProfiledApp | undefined;
  readonly inFlight: number;
  readonly batch: number;
  /** Multiplies the number of events. */
  readonly scale: number;
  /** Of a proof; undefined: as many as it takes by itself. */
  readonly deliveries: number | undefined;
}

export const helpText = `npm run bench -- [options]

  --runs N              repeat, each time with new stores, and print medians (1)
  --only PART           ${parts.join(', ')}; may be given several times (all), or
                        one of ${proofs.join(', ')}, which are done only when they are asked for
  --deliveries N        of soak (1000000), retry-burst or after-downtime (100000): a multiple of 1000
  --profile APP         api or dispatcher: write its CPU profile to bench/results and print where the time went
  --in-flight N         requests to the API at once, at full load (64)
  --batch N             publish N events a request, through /v1/events/batch, at full load (1)
  --scale X             so many times the events: 0.1 for a quick look (1)
`;

/** A wrong option; `message` is for people. */
export class OptionError extends Error {}

/** @returns undefined when the help is wanted */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parse(args);
  if (values.help === true) return undefined;
  const only = (values.only ?? []).flatMap(value => value.split(','));
  for (const name of only) oneOf('--only', name, [...parts, ...proofs]);
  return {
    runs: numberIn('--runs', values.runs ?? '1', 1, 20),
    parts: new Set(only.length === 0 ? parts : (only as Part[])),
    profile:
      values.profile === undefined ? undefined : oneOf('--profile', values.profile, ['api', 'dispatcher'] as const),
    inFlight: numberIn('--in-flight', values['in-flight'] ?? '64', 1, 1000),
    batch: numberIn('--batch', values.batch ?? '1', 1, 1000),
    scale: numberIn('--scale', values.scale ?? '1', 0.01, 10, false),
    deliveries: values.deliveries === undefined ? undefined : wholeThousands(values.deliveries),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        runs: text,
        profile: text,
        'in-flight': text,
        batch: text,
        scale: text,
        deliveries: text,
      },
    });
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}

function oneOf<Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  const found = names.find(name => name === value);
  if (found === undefined) throw new OptionError(`${option} is one of ${names.join(', ')}, not ${value}`);
  return found;
}

/** So that they can be divided by webhooks and by tenths. */
function wholeThousands(text: string): number {
  const value = numberIn('--deliveries', text, 1000, 100_000_000);
  if (value % 1000 !== 0) throw new OptionError(`--deliveries is a multiple of 1000, not ${text}`);
  return value;
}

function numberIn(option: string, text: string, least: number, most: number, whole = true): number {
  const value = Number(text);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
    throw new OptionError(`${option} is a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not ${text}`);
  return value;
}
