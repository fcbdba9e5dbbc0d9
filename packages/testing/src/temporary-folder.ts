import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A new folder that whoever asked for it deletes. */
export function temporaryFolder(purpose: string): string {
  return mkdtempSync(path.join(tmpdir(), `signpost-test-${purpose}-`));
}
