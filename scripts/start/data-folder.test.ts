import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { takeDataFolder } from './data-folder.ts';

const ENTRY = path.join(import.meta.dirname, 'data-folder.ts');
const ROUNDS = 300;
let base: string;

beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'signpost-test-folder-'));
});

afterEach(() => rmSync(base, { recursive: true }));

const round = (number: number): string => path.join(base, String(number));

/** Tries for one folder after the other, each at the same time as the other contender; tells which it got. */
async function contend(name: string, other: string): Promise<boolean[]> {
  const program = `
    import { existsSync, writeFileSync } from 'node:fs';
    import { takeDataFolder } from ${JSON.stringify(ENTRY)};
    const won = [];
    for (let round = 0; round < ${ROUNDS}; round += 1) {
      const gate = ${JSON.stringify(base)} + '/gate-' + round + '-';
      writeFileSync(gate + ${JSON.stringify(name)}, '');
      while (!existsSync(gate + ${JSON.stringify(other)}));
      try {
        takeDataFolder(${JSON.stringify(base)} + '/' + round);
        won.push(true);
      } catch (error) {
        if (error.name !== 'StartFailure') throw error;
        won.push(false);
      }
    }
    console.log(JSON.stringify(won));
    // Alive until both are done: a claim counts as long as its process lives.
    process.stdin.resume();`;
  // Named as the script whose claims count.
  const args = ['--input-type=module', '--eval', program, 'start.ts'];
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'inherit'] });
  contenders.push(() => child.stdin.end());
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', chunk => {
      output += String(chunk);
      if (output.endsWith('\n')) resolve(JSON.parse(output) as boolean[]);
    });
    child.once('close', () => reject(new Error('a contender ended early')));
  });
}

let contenders: (() => void)[] = [];
afterEach(() => {
  for (const end of contenders) end();
  contenders = [];
});

test.each([
  ['free', undefined],
  ['left by a run that is gone', '{"pid":0}'],
])(
  'of two starts at the same moment, one at most gets a folder that is %s',
  async (_case, left) => {
    for (let number = 0; number < ROUNDS; number += 1) {
      mkdirSync(round(number));
      if (left !== undefined) writeFileSync(path.join(round(number), 'running.json'), left);
    }
    const [one, two] = await Promise.all([contend('one', 'two'), contend('two', 'one')]);
    expect(one).toHaveLength(ROUNDS);
    // Somebody got each of them, and nobody got one that the other has.
    expect(one.map((won, number) => Number(won) + Number(two[number]))).toEqual(one.map(() => 1));
  },
  60_000,
);

test('a claim names its process, then where it runs, and goes with it', () => {
  const folder = takeDataFolder(base);
  const file = path.join(base, 'running.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ pid: process.pid });
  folder.announce('http://127.0.0.1:1', 'http://127.0.0.1:2');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    pid: process.pid,
    url: 'http://127.0.0.1:1',
    demo_receiver_url: 'http://127.0.0.1:2',
  });
  folder.release();
  expect(readdirSync(base)).toEqual([]);
});
