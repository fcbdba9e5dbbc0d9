import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { StoreError } from './store-error.ts';

const EVERYBODY = 0o111;

/**
 * Lets everybody execute a packaged program. Some installers drop the permission; where they did not, nothing is touched,
 * because the file may belong to another user (an installation by root, run by somebody else).
 *
 * @throws {StoreError} `postgres_binaries_missing` if this account may neither execute the file nor change it
 */
export function makeExecutable(file: string): void {
  try {
    const { mode } = statSync(file);
    if ((mode & EVERYBODY) === EVERYBODY) return;
    try {
      chmodSync(file, 0o755);
    } catch {
      // Not ours to change: executable for this account is enough.
      accessSync(file, constants.X_OK);
    }
  } catch (cause) {
    throw new StoreError(
      'postgres_binaries_missing',
      `${file} cannot be executed, nor its permissions changed: run npm ci as the user who starts Signpost, or set DATABASE_URL`,
      { cause },
    );
  }
}
