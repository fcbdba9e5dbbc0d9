import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { forbidServices, removeLeftoverPolicy } from './service-policy.ts';

const ENTRY = path.join(import.meta.dirname, 'service-policy.ts');
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'signpost-test-policy-'));
  file = path.join(folder, 'policy-rc.d');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Its answer to whether redis-server may be started. */
const ask = (): number | null => spawnSync('/bin/sh', [file, 'redis-server', 'start']).status;

test('services are denied until the installation is over', () => {
  const allow = forbidServices(file);
  expect(ask()).toBe(101);
  // Another start must not end the denial of one that still installs.
  removeLeftoverPolicy(file);
  expect(ask()).toBe(101);
  allow();
  expect(existsSync(file)).toBe(false);
});

test('the denial of a run that was killed is over, and the next run deletes it', () => {
  const program = `
    import { forbidServices } from ${JSON.stringify(ENTRY)};
    forbidServices(${JSON.stringify(file)});
    process.kill(process.pid, 'SIGKILL');`;
  const killed = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    env: { PATH: process.env.PATH },
  });
  expect(killed.signal).toBe('SIGKILL');
  expect(ask()).toBe(0);
  removeLeftoverPolicy(file);
  expect(existsSync(file)).toBe(false);
});

test('a policy of somebody else stays as it is', () => {
  writeFileSync(file, '#!/bin/sh\nexit 101\n');
  forbidServices(file)();
  removeLeftoverPolicy(file);
  expect(readFileSync(file, 'utf8')).toBe('#!/bin/sh\nexit 101\n');
});
