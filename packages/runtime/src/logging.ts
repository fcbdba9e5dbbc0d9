import { standardOutput } from './standard-output.ts';
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/**
 * A logger that writes one JSON line for each unit of work. Names of fields are snake_case; no payloads, no secrets and no
 * query strings go into a line.
 *
 * @param app which process writes: `api`, `dispatcher`
 * @param level one of {@link logLevels}
 * @param destination standard output unless given
 */
export function createLogger(app: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { app, pid: process.pid },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: { paths: ['*.authorization', '*.secret', '*.signing_secret', 'req.headers'], censor: '[redacted]' },
    serializers: { error: describeError, err: describeError },
  };
  return pino(options, destination ?? standardOutput());
}

/** An error for a log line: its kind, code and message, and those of what caused it; the stack only of faults. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return { name, code, message, stack, ...(cause === undefined ? {} : { cause: describeError(cause) }) };
}
