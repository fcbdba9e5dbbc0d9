// A dependency-cruiser that cannot read TypeScript, or cannot resolve a workspace, finds nothing wrong. So each rule is
// shown to fire on a tree that breaks it.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createSampleTree } from './sample-tree.ts';

interface Cruise {
  summary: { violations: { from: string; to: string; rule: { name: string } }[] };
  modules: { source: string; dependencies: { resolved: string }[] }[];
}

const WORKSPACES = ['contracts', 'database', 'delivery', 'queue', 'runtime', 'stores', 'testing', 'transport'];

const importing = (what: string) => `import { a } from '${what}';\nexport const b = a;\n`;

/** File, what it imports, and the rule that refuses it. */
const refused: [string, string, string][] = [
  ['packages/delivery/src/own-row.ts', '@signpost/contracts', 'imports-of-packages-delivery'],
  ['packages/queue/src/own-row.ts', '@signpost/database', 'imports-of-packages-queue'],
  ['apps/dispatcher/src/app.ts', '../../api/src/app.ts', 'imports-of-apps-dispatcher'],
  ['apps/demo-receiver/src/own-row.ts', '@signpost/transport', 'imports-of-apps-demo-receiver'],
  ['packages/newcomer/src/index.ts', '@signpost/delivery', 'no-row-in-the-table'],
  ['apps/api/src/deep.ts', '../../../packages/delivery/src/inside.ts', 'no-deep-imports'],
  ['packages/delivery/src/deep.test.ts', '../../runtime/src/inside.ts', 'no-deep-imports'],
  ['scripts/deep.ts', '../packages/delivery/src/inside.ts', 'no-deep-imports-from-outside'],
  ['tests/deep.test.ts', '../apps/api/src/app.ts', 'no-deep-imports-from-outside'],
  ['apps/api/src/support.ts', '@signpost/testing', 'test-support-stays-in-tests'],
  ['apps/api/src/stores.ts', '@signpost/stores', 'test-support-stays-in-tests'],
  ['apps/api/src/workbench.ts', '../../../scripts/tool.ts', 'product-does-not-import-the-workbench'],
  ['apps/api/src/of-test.ts', './sample.test.ts', 'no-import-of-tests'],
  ['apps/api/src/nowhere.ts', './nowhere-at-all.ts', 'no-unresolvable'],
  ['packages/delivery/src/circle.ts', './round.ts', 'no-cycles'],
  ['apps/api/src/prisma.ts', '@prisma/client', 'only-owner-imports-prisma'],
  ['packages/queue/src/pg.ts', 'pg', 'only-owner-imports-pg'],
  ['apps/api/src/bullmq.ts', 'bullmq', 'only-owner-imports-bullmq'],
  ['apps/dispatcher/src/ioredis.ts', 'ioredis', 'only-owner-imports-ioredis'],
  ['apps/dispatcher/src/undici.ts', 'undici', 'only-owner-imports-undici'],
  ['apps/dispatcher/src/got.ts', 'got', 'only-owner-imports-got'],
];

const allowed: [string, string][] = [
  ['apps/api/src/allowed.ts', '@signpost/database'],
  ['packages/database/src/pg.ts', 'pg'],
  ['packages/database/src/prisma.ts', '@prisma/client'],
  ['packages/queue/src/ioredis.ts', 'ioredis'],
  ['packages/transport/src/undici.ts', 'undici'],
  ['apps/dispatcher/src/bullmq.ts', 'bullmq'],
  ['packages/delivery/src/allowed.test.ts', '@signpost/testing'],
  ['packages/testing/src/allowed.ts', '@signpost/stores'],
  ['scripts/allowed.ts', '@signpost/stores'],
  ['bench/allowed.ts', 'undici'],
];

describe('the import boundaries', () => {
  let cruise: Cruise;

  beforeAll(() => {
    const tree = createSampleTree(['.dependency-cruiser.mjs']);
    try {
      for (const name of WORKSPACES) {
        tree.write({
          [`packages/${name}/package.json`]: JSON.stringify({
            name: `@signpost/${name}`,
            exports: { '.': './src/index.ts' },
          }),
          [`packages/${name}/src/index.ts`]: 'export const a = 1;\n',
          [`packages/${name}/src/inside.ts`]: 'export const a = 1;\n',
        });
      }
      tree.write({
        'apps/api/src/app.ts': 'export const a = 1;\n',
        'apps/api/src/sample.test.ts': 'export const a = 1;\n',
        'scripts/tool.ts': 'export const a = 1;\n',
        'packages/delivery/src/round.ts':
          "import type { b } from './circle.ts';\nexport const a = 1 as unknown as typeof b;\n",
      });
      for (const [file, what] of [...refused, ...allowed]) tree.write({ [file]: importing(what) });
      const { output } = tree.run(
        'depcruise',
        '--config',
        '.dependency-cruiser.mjs',
        '--output-type',
        'json',
        'apps',
        'packages',
        'scripts',
        'bench',
        'tests',
      );
      cruise = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)) as Cruise;
    } finally {
      tree.remove();
    }
  });

  const rulesBrokenBy = (file: string) =>
    cruise.summary.violations.filter(({ from }) => from === file).map(({ rule }) => rule.name);

  test.each(refused)('%s may not import %s', (file, _, rule) => {
    expect(rulesBrokenBy(file)).toContain(rule);
  });

  test.each(allowed)('%s may import %s', (file, what) => {
    expect(rulesBrokenBy(file)).toEqual([]);
    const resolved = cruise.modules.find(({ source }) => source === file)?.dependencies[0]?.resolved;
    expect(resolved).toContain(what.replace('@signpost/', 'packages/'));
  });
});
