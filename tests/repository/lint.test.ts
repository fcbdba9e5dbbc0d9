// A lint rule that does not fire looks like clean code. Each ban is shown to fire, and to stay silent where it should.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createSampleTree } from './sample-tree.ts';

interface Sample {
  title: string;
  file: string;
  code: string;
  /** The rule that must fire; none: the file must be clean. */
  rule?: string;
}

let count = 0;
const nextFile = (ending = '.ts') => `packages/delivery/src/sample-${(count += 1)}${ending}`;

const refusedInProduct: Sample[] = [
  ['the environment', 'export const a = process.env;', 'no-restricted-properties'],
  ['the environment, taken apart', 'export const { env } = process;', 'no-restricted-properties'],
  ['the environment, imported', "import { env } from 'node:process';\nexport const a = env;", 'no-restricted-imports'],
  ['the clock', 'export const a = Date.now();', 'no-restricted-properties'],
  ['the clock as a date', 'export const a = new Date();', 'no-ambient-date'],
  ['the clock as a text', 'export const a = Date();', 'no-ambient-date'],
  ['chance', 'export const a = Math.random();', 'no-restricted-properties'],
  ['the network', "export const a = () => fetch('http://localhost');", 'no-restricted-globals'],
  ['the network by another name', "export const a = () => globalThis.fetch('');", 'no-restricted-properties'],
  ['the console', "export const a = () => console.log('a');", 'no-console'],
  ['any', 'export const a = (b: any): unknown => b;', 'no-explicit-any'],
  ['loose equality', 'export const a = (b: unknown) => b == 1;', 'eqeqeq'],
  ['a floating promise', 'export const a = () => { Promise.resolve(); };', 'no-floating-promises'],
  ['a promise as a condition', 'export const a = (b: Promise<number>) => (b ? 1 : 2);', 'no-misused-promises'],
  ['await of what is no promise', 'export const a = async () => { await 1; };', 'await-thenable'],
  [
    'a type imported as a value',
    "import { Socket } from 'node:net';\nexport type A = Socket;",
    'consistent-type-imports',
  ],
  ['a missing case', "export const a = (b: 'x' | 'y') => { switch (b) { case 'x': } };", 'switch-exhaustiveness-check'],
  ['a long file', `export const a = [\n${'1,\n'.repeat(300)}];`, 'max-lines'],
  ['a long function', `export function a(b: number[]) {\n${'  b.push(1);\n'.repeat(60)}}`, 'max-lines-per-function'],
].map(([title = '', code = '', rule = '']) => ({ title, code, rule, file: nextFile() }));

const allowedInProduct: Sample[] = [
  { title: 'a date made of a number', file: nextFile(), code: 'export const a = (ms: number) => new Date(ms);' },
  { title: 'a parameter named Date', file: nextFile(), code: 'export const a = (Date: () => 1) => Date();' },
];

const outsideWorld = 'export const a = [process.env, Date.now(), Math.random(), new Date(), fetch];';
const toConsole = "export const a = () => console.log('a');";

const allowedElsewhere: Sample[] = [
  ...[
    'packages/runtime/src/outside.ts',
    'packages/transport/src/outside.ts',
    'packages/stores/src/outside.ts',
    'packages/testing/src/outside.ts',
    'apps/api/src/main.ts',
    'scripts/outside.ts',
    'bench/outside.ts',
    'tests/outside.ts',
    'packages/delivery/src/outside.test.ts',
  ].map(file => ({ title: 'the outside world', file, code: outsideWorld })),
  ...['scripts/console.ts', 'bench/console.ts', 'apps/demo-receiver/src/console.ts'].map(file => ({
    title: 'the console',
    file,
    code: toConsole,
  })),
];

const refusedElsewhere: Sample[] = [
  { title: 'the clock', file: 'apps/api/src/app.ts', code: outsideWorld, rule: 'no-ambient-date' },
  {
    title: 'the environment',
    file: 'apps/dispatcher/src/runtime.ts',
    code: outsideWorld,
    rule: 'no-restricted-properties',
  },
  { title: 'the console', file: 'packages/runtime/src/console.ts', code: toConsole, rule: 'no-console' },
];

const inTest = (body: string) => `import { expect, test } from '@jest/globals';\n${body}\nexport { expect };`;
const refusedInTests: Sample[] = [
  ['a sleep', 'export const a = () => new Promise(done => setTimeout(done, 50));', 'no-test-sleep'],
  ['a sleep in a block', 'export const a = new Promise<void>(b => { setTimeout(() => b(), 50); });', 'no-test-sleep'],
  [
    'an awaited timer',
    "import { setTimeout } from 'node:timers/promises';\nexport const a = setTimeout;",
    'no-test-sleep',
  ],
  ['a focused test', inTest("test.only('a', () => expect(1).toBe(1));"), 'no-focused-tests'],
  ['a skipped test', inTest("test.skip('a', () => expect(1).toBe(1));"), 'no-disabled-tests'],
  ['a test that cannot fail', inTest("test('a', () => {});"), 'expect-expect'],
].map(([title = '', code = '', rule = '']) => ({ title, code, rule, file: nextFile('.test.ts') }));

const allowedInTests: Sample[] = [
  {
    title: 'a receiver that answers late',
    file: nextFile('.test.ts'),
    code: "import { createServer } from 'node:http';\nexport const a = createServer((_, b) => { setTimeout(() => b.end(), 50); });",
  },
];

const refused = [...refusedInProduct, ...refusedElsewhere, ...refusedInTests];
const allowed = [...allowedInProduct, ...allowedElsewhere, ...allowedInTests];

describe('the linter', () => {
  /** The names of the rules that each file breaks. */
  const broken = new Map<string, string[]>();

  beforeAll(() => {
    const tree = createSampleTree(['.oxlintrc.json', 'tsconfig.json', 'tests/repository/lint-rules.mjs']);
    try {
      for (const { file, code } of [...refused, ...allowed]) tree.write({ [file]: `${code}\n` });
      const { output } = tree.run(
        'oxlint',
        '--type-aware',
        '--deny-warnings',
        '--format',
        'unix',
        'apps',
        'bench',
        'packages',
        'scripts',
        'tests',
      );
      for (const [, file = '', rule = ''] of output.matchAll(/^(\S+?):\d+:\d+: .*\[\w+\/[\w-]+\(([\w-]+)\)\]$/gm)) {
        broken.set(file, [...(broken.get(file) ?? []), rule]);
      }
    } finally {
      tree.remove();
    }
  });

  test.each(refused)('refuses $title in $file', ({ file, rule }) => {
    expect(broken.get(file)).toContain(rule);
  });

  test.each(allowed)('allows $title in $file', ({ file }) => {
    expect(broken.get(file) ?? []).toEqual([]);
  });
});
