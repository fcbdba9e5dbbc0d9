import { parseArgs } from 'node:util';

export const chaosHelp = `npm run chaos [-- options]

Runs a whole Signpost (Postgres, Redis, two APIs, three dispatchers), publishes without pause to receivers that fail at
random, and breaks whatever it can. Then it compares what was acknowledged with what arrived.

Options
  --seconds <n>   how long things are broken (120)
  --hours <n>     the same in hours
  --seed <n>      repeat the faults and events of a run; random without it
  --rate <n>      events in a second (40)
  --verbose       a line for each fault
  --help

Exit code 0: nothing was lost. 1: something was, it did not settle, a call was answered with 500, or a kind of fault could
not be carried out.
`;

export type ChaosArguments =
  | {
      readonly kind: 'run';
      readonly seed: number;
      readonly seconds: number;
      readonly rate: number;
      readonly verbose: boolean;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly reason: string };

/** Reads the command line. Pure. @param anySeed for runs that name none */
export function readChaosArguments(args: readonly string[], anySeed: number): ChaosArguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string' },
        hours: { type: 'string' },
        seed: { type: 'string', default: String(anySeed) },
        rate: { type: 'string', default: '40' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const seconds =
      values.hours === undefined
        ? readNumber('--seconds', values.seconds ?? '120')
        : readNumber('--hours', values.hours) * 3600;
    const seed = readNumber('--seed', values.seed);
    if (!Number.isInteger(seed)) throw new Error('--seed must be a whole number');
    return { kind: 'run', seed, seconds, rate: readNumber('--rate', values.rate), verbose: values.verbose };
  } catch (error) {
    return { kind: 'wrong', reason: (error as Error).message };
  }
}

function readNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new Error(`${option} must be a number above 0`);
  return value;
}
