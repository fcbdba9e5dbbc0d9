import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makeExecutable } from './executable.ts';

let folder: string;
let program: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'signpost-test-executable-'));
  chmodSync(folder, 0o755);
  program = path.join(folder, 'program');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o644 });
});

afterEach(() => rmSync(folder, { recursive: true }));

/** What `makeExecutable` throws, if anything, for an account that does not own the file. */
function asSomebodyElse(file: string): unknown {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    makeExecutable(file);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

test('a program that lost its permission gets it back; one that has it is not touched', () => {
  makeExecutable(program);
  expect(statSync(program).mode & 0o777).toBe(0o755);
  chmodSync(program, 0o775);
  makeExecutable(program);
  expect(statSync(program).mode & 0o777).toBe(0o775);
});

test('a program of another user, executable already, is good as it is', () => {
  // Of root, on every system.
  expect(asSomebodyElse('/bin/sh')).toBeUndefined();
});

test('a program that cannot be made executable is named in a sentence', () => {
  const file = process.geteuid?.() === 0 ? program : '/etc/hosts';
  expect(asSomebodyElse(file)).toMatchObject({
    code: 'postgres_binaries_missing',
    message: expect.stringMatching(/ cannot be executed, nor its permissions changed: run npm ci as the user/),
  });
});
