import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** A throwaway repository with the configuration of this one, for showing that a check sees what it is there to see. */
export interface SampleTree {
  write(files: Readonly<Record<string, string>>): void;
  /** Runs a program of this repository's node_modules/.bin in the tree. */
  run(program: string, ...args: string[]): { code: number | null; output: string };
  remove(): void;
}

/**
 * The tree finds every npm package of this repository; `@signpost/<name>` is its own packages/<name>.
 *
 * @param copied files of this repository that the tree has too
 */
export function createSampleTree(copied: readonly string[]): SampleTree {
  const tree = mkdtempSync(path.join(os.tmpdir(), 'signpost-sample-'));
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
    writeFileSync(path.join(tree, file), text);
  };
  for (const file of copied) {
    mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
    copyFileSync(path.join(root, file), path.join(tree, file));
  }
  mkdirSync(path.join(tree, 'node_modules'));
  for (const name of readdirSync(path.join(root, 'node_modules'))) {
    const target = name === '@signpost' ? '../packages' : path.join(root, 'node_modules', name);
    symlinkSync(target, path.join(tree, 'node_modules', name));
  }
  return {
    write(files) {
      for (const [file, text] of Object.entries(files)) write(file, text);
    },
    run(program, ...args) {
      const { status, stdout, stderr } = spawnSync(path.join(root, 'node_modules/.bin', program), args, {
        cwd: tree,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env['PATH']}` },
      });
      return { code: status, output: stdout + stderr };
    },
    remove: () => rmSync(tree, { recursive: true }),
  };
}
