// `npm run audit`: compares what was accepted with what was made of it, on a live installation. Reads only.
import { auditHelp, readAuditArguments } from './audit/options.ts';
import { auditJson, auditText } from './audit/report.ts';
import { runAudit } from './audit/run-audit.ts';

const couldNotRun = 2;

async function main(): Promise<number> {
  const command = readAuditArguments(process.argv.slice(2), Date.now());
  if (command.kind === 'help') {
    process.stdout.write(auditHelp);
    return 0;
  }
  if (command.kind === 'wrong') return fail(`${command.reason}\nnpm run audit -- --help lists the options.`);
  const databaseUrl = process.env.DATABASE_URL ?? '';
  if (databaseUrl === '') return fail('Set DATABASE_URL to the database of the installation.');
  try {
    const result = await runAudit({ databaseUrl, redisUrl: process.env.REDIS_URL || null }, command);
    process.stdout.write(command.json ? auditJson(result) : auditText(result));
    return result.findings.length === 0 ? 0 : 1;
  } catch (error) {
    const reason = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code : String(error);
    return fail(`The audit could not be done: ${reason}`);
  }
}

function fail(reason: string): number {
  process.stderr.write(`${reason}\n`);
  return couldNotRun;
}

process.exitCode = await main();
