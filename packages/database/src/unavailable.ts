/** Connection faults of Node's sockets. */
const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/**
 * SQLSTATEs of a server that is away, going away or starting (classes 08 and 57P, 53300 too many connections, 53100 disk
 * full, 58030 a fault of its disk), of a statement that it stopped for taking too long, and of one that lost to another
 * (40001, 40P01 deadlock). https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const serverCodes = /^(08...|57P0[1-5]|57014|53[0-9]{3}|25006|40001|40P01|58030)$/;

/** Any SQLSTATE: none of Node's codes begins like one. */
const anyServerCode = /^([0-9][0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/;
/** Those of a value that cannot be stored: classes 22 (data exception), 23 (integrity constraint violation), 54 (a limit). */
const valueCodes = /^(2[23]|54)/;

/** What the driver says, without a code, when a connection ends or cannot be had. It has no better sign. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Query read timeout|Client was closed and is not queryable|Cannot use a pool after calling end)/;

/** Prisma: P1001 cannot reach, P1002 timed out, P1008 operation timed out, P1017 connection closed, P2024 pool timeout. */
const prismaCodes = /^(P1001|P1002|P1008|P1017|P2024)$/;

interface Cause {
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly message?: unknown;
  readonly syscall?: unknown;
}

/** An error and what it was made from. Prisma wraps the driver's error. */
function* causesOf(error: unknown): Generator<Cause> {
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 6; depth += 1) {
    yield current;
    const { cause, meta } = current as { cause?: unknown; meta?: { driverAdapterError?: unknown } };
    current = cause ?? meta?.driverAdapterError;
  }
}

const codesOf = ({ code, originalCode }: Cause): string[] =>
  [code, originalCode].filter(each => typeof each === 'string');

/**
 * Whether an error of this package means that Postgres is away for now, so that the same call may succeed later.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  for (const cause of causesOf(error)) {
    if (codesOf(cause).some(code => socketCodes.has(code) || serverCodes.test(code) || prismaCodes.test(code)))
      return true;
    const { code, message } = cause;
    if (code === undefined && typeof message === 'string' && driverMessages.test(message)) return true;
  }
  return false;
}

/**
 * Whether an error speaks of the installation and not of the row at hand: Postgres is away, or refuses for another reason
 * than a value (a column or a grant is missing, the password is wrong, a table is damaged), or the system refuses
 * (no file descriptor is left). The same call succeeds when somebody has put that right, and no other row fares better.
 */
export function isInstallationFault(error: unknown): boolean {
  if (isDatabaseUnavailable(error)) return true;
  for (const cause of causesOf(error)) {
    const state = codesOf(cause).find(code => anyServerCode.test(code));
    if (state !== undefined) return !valueCodes.test(state);
    // Node's errors of the system carry the call.
    if (typeof cause.syscall === 'string') return true;
  }
  return false;
}

/**
 * Whether a statement failed by what a value is, so that it would fail again: SQLSTATE classes 22 (data exception) and 54
 * (a limit of the server, such as the length of a row in an index). Not 23514: a day without its partition looks like that.
 */
export function isValueRefused(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|54)...$/.test(code);
}
