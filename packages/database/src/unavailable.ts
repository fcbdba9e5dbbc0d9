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

/** What the driver says, without a code, when a connection ends or cannot be had. It has no better sign. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Query read timeout)/;

/**
 * Whether an error of this package means that Postgres is away for now, so that the same call may succeed later.
 * Prisma wraps the driver's error; the chain of causes is followed.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 6; depth += 1) {
    const { code, message, cause, meta } = current as {
      code?: unknown;
      message?: unknown;
      cause?: unknown;
      meta?: { driverAdapterError?: unknown };
    };
    if (typeof code === 'string' && (socketCodes.has(code) || serverCodes.test(code))) return true;
    const originalCode = (current as { originalCode?: unknown }).originalCode;
    if (typeof originalCode === 'string' && serverCodes.test(originalCode)) return true;
    if (code === undefined && typeof message === 'string' && driverMessages.test(message)) return true;
    // Prisma: P1001 cannot reach, P1002 timed out, P1008 operation timed out, P1017 connection closed, P2024 pool timeout.
    if (typeof code === 'string' && /^(P1001|P1002|P1008|P1017|P2024)$/.test(code)) return true;
    current = cause ?? meta?.driverAdapterError;
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
