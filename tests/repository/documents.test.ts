import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { problemCodes, type ProblemKind } from '@signpost/api-schema';
import { attemptErrors } from '@signpost/delivery';
import { configurationFile, renderConfiguration } from '../../scripts/generate-configuration-table.ts';
import { anchorsOf, linksOf, tableRowsOf, withoutCode } from './markdown.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const documents = globSync('**/*.md', {
  cwd: root,
  exclude: name => /(^|\/)(node_modules|\.signpost[^/]*|\.turbo|coverage)$/.test(name),
});

/** What is wrong with a relative link of a document; null: nothing. */
function faultOfLink(document: string, link: string): string | null {
  const [target = '', anchor] = link.split('#');
  const file = target === '' ? document : path.join(path.dirname(document), decodeURIComponent(target));
  if (!existsSync(path.join(root, file))) return `${document}: there is no ${file}`;
  if (anchor === undefined || !file.endsWith('.md')) return null;
  return anchorsOf(read(file)).has(anchor) ? null : `${document}: ${file} has no heading #${anchor}`;
}

test('there are documents to check', () => {
  expect(documents).toEqual(
    expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']),
  );
});

test('every relative link leads to a file that exists, and every anchor to a heading', () => {
  const relative = documents.flatMap(document =>
    linksOf(read(document))
      .filter(link => !/^[a-z]+:/.test(link))
      .map(link => ({ document, link })),
  );
  expect(relative.length).toBeGreaterThan(40);
  expect(relative.map(({ document, link }) => faultOfLink(document, link)).filter(fault => fault !== null)).toEqual([]);
});

test('every path of the repository that stands in code exists', () => {
  const named = documents.flatMap(document =>
    [...read(document).matchAll(/`((?:apps|bench|docs|packages|prisma|scripts|tests)\/[\w./-]+)`/g)].map(
      ([, file = '']) => ({ document, file }),
    ),
  );
  expect(named.length).toBeGreaterThan(10);
  // A path may be relative to the root or to the package whose README it stands in.
  const missing = named.filter(
    ({ document, file }) =>
      !existsSync(path.join(root, file)) && !existsSync(path.join(root, path.dirname(document), file)),
  );
  expect(missing).toEqual([]);
});

test('every npm script that a document names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = documents.flatMap(document =>
    [...read(document).matchAll(/npm (start|test\b|run ([\w:-]+))/g)].map(
      ([, short = '', long]) => `${document}: ${long ?? short}`,
    ),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(name => scripts[name.split(': ')[1] ?? ''] === undefined)).toEqual([]);
});

test('docs/configuration.md holds the settings as the apps declare them (scripts/generate-configuration-table.ts writes them)', async () => {
  const document = readFileSync(configurationFile, 'utf8');
  expect(await renderConfiguration(document)).toBe(document);
});

test('docs/errors.md lists every problem code once, with its status and meaning', () => {
  const listed = tableRowsOf(read('docs/errors.md'), /^[a-z_]+$/).map(([code, status, meaning, help]) => {
    expect(help).toMatch(/\S/);
    return { code, status: Number(status), meaning };
  });
  const registered = Object.entries<ProblemKind>(problemCodes).map(([code, { status, title }]) => ({
    code,
    status,
    meaning: title,
  }));
  expect(listed.toSorted(byCode)).toEqual(registered.toSorted(byCode));
});

test('docs/failure-modes.md lists every attempt error once, with what to do', () => {
  const [, section = ''] = read('docs/failure-modes.md').split('## Attempt errors');
  const listed = tableRowsOf(section, /^[a-z_]+$/).map(([code = '', happened, help]) => {
    expect(happened).toMatch(/\S/);
    expect(help).toMatch(/\S/);
    return code;
  });
  expect(listed.toSorted()).toEqual(Object.keys(attemptErrors).toSorted());
});

test('docs/operations.md names every metric of the apps, and no other', () => {
  const sources = globSync('apps/*/src/**/*.ts', { cwd: root }).filter(file => !file.endsWith('.test.ts'));
  const declared = sources.flatMap(file =>
    [...read(file).matchAll(/'(signpost_[a-z_]+)'/g)].map(([, name = '']) => name),
  );
  const named = [...read('docs/operations.md').matchAll(/`(signpost_[a-z_]+)/g)].map(([, name = '']) => name);
  expect([...new Set(named)].toSorted()).toEqual([...new Set(declared)].toSorted());
});

test('decisions are numbered without gaps, and each says its own number', () => {
  const files = globSync('docs/decisions/*.md', { cwd: root }).toSorted();
  const numbers = files.map(file => Number(/\/(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1]));
  expect(numbers).toEqual(files.map((_file, index) => index + 1));
  expect(files.map(file => Number(/^# (\d+)\. /.exec(read(file))?.[1]))).toEqual(numbers);
});

describe('the reader of Markdown', () => {
  test('sees links and images, but none inside code', () => {
    const text = 'a [b](c.md#d) ![e](f.svg)\n`[g](h)`\n```\n[i](j)\n```\n<img src="k.svg"> [l](<m n.md>)';
    expect(linksOf(text)).toEqual(['c.md#d', 'f.svg', 'm n.md', 'k.svg']);
    expect(withoutCode('a\n```\nb\n```\nc').includes('b')).toBe(false);
  });

  test('makes anchors as GitHub does', () => {
    const text = '# A `b`: c, d\n## One dies (`kill -9`)\n## Twice\n## Twice\n```\n# no heading\n```\n### `snake_case`';
    expect([...anchorsOf(text)]).toEqual(['a-b-c-d', 'one-dies-kill--9', 'twice', 'twice-1', 'snake_case']);
  });
});

function byCode(a: { code: string | undefined }, b: { code: string | undefined }): number {
  return (a.code ?? '') < (b.code ?? '') ? -1 : 1;
}
