// `npm run chaos`: breaks a running Signpost at random and proves that nothing is lost.
import { randomInt } from 'node:crypto';
import { runChaos } from './chaos.ts';
import { createCleanup } from './cleanup.ts';
import { chaosHelp, readChaosArguments } from './options.ts';
import { chaosReport } from './report.ts';

async function main(): Promise<number> {
  const command = readChaosArguments(process.argv.slice(2), randomInt(1, 1_000_000));
  if (command.kind === 'help') {
    process.stdout.write(chaosHelp);
    return 0;
  }
  if (command.kind === 'wrong') {
    process.stderr.write(`${command.reason}\nnpm run chaos -- --help lists the options.\n`);
    return 1;
  }
  const { seed, seconds, rate, verbose } = command;
  const repeatWith = `npm run chaos -- --seed ${seed} --seconds ${seconds} --rate ${rate}`;
  process.stdout.write(`Seed ${seed}, ${seconds} s, ${rate} events/s.\n`);
  const startedAt = performance.now();
  const say = (text: string): void => {
    if (verbose) process.stdout.write(`${((performance.now() - startedAt) / 1000).toFixed(2).padStart(8)}  ${text}\n`);
  };
  const cleanup = createCleanup();
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      stopping.abort(new Error(`Stopped by ${name}`));
      // Not left to the run itself: it may be waiting for something that is frozen.
      void cleanup.close().then(() => process.exit(130));
    });
  process.on('uncaughtException', error => {
    process.stderr.write(`${error.stack ?? error.message}\n\nAgain: ${repeatWith}\n`);
    void cleanup.close().then(() => process.exit(1));
  });
  try {
    const options = { seed, forMs: seconds * 1000, eventsPerSecond: rate, say, signal: stopping.signal };
    const result = await runChaos(options, cleanup);
    process.stdout.write(chaosReport(result, repeatWith));
    return result.failures.length === 0 ? 0 : 1;
  } catch (error) {
    // The handler above ends the process, when everything else has ended.
    if (stopping.signal.aborted) return await new Promise<never>(() => {});
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n\nAgain: ${repeatWith}\n`,
    );
    return 1;
  } finally {
    await cleanup.close();
  }
}

process.exit(await main());
