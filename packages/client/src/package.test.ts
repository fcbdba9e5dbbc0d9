import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer } from './test-server.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../../..');
const binaries = path.join(root, 'node_modules/.bin');
const env = { ...process.env, PATH: `${binaries}${path.delimiter}${process.env['PATH']}` };
const folder = mkdtempSync(path.join(tmpdir(), 'signpost-client-package-'));
const repository = path.join(folder, 'repository');
const consumer = path.join(folder, 'consumer');
const sourceManifest = readFileSync(path.join(root, 'packages/client/package.json'), 'utf8');

/** Packs a copy, so that the manifest of the repository stays as it is, and installs it beside a project without types. */
beforeAll(async () => {
  const copy = path.join(repository, 'packages/client');
  cpSync(path.join(root, 'packages/client'), copy, {
    recursive: true,
    filter: source => !/\/(dist|node_modules)$/.test(source),
  });
  cpSync(path.join(root, 'tsconfig.json'), path.join(repository, 'tsconfig.json'));
  writeFileSync(path.join(repository, 'LICENSE'), 'The licence.\n');
  symlinkSync(path.join(root, 'node_modules'), path.join(repository, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: copy, env });
  const installed = path.join(consumer, 'node_modules/@signpost/client');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', path.join(folder, stdout.trim()), '-C', installed, '--strip-components=1']);
  for (const name of ['got', '@types']) {
    symlinkSync(path.join(root, 'node_modules', name), path.join(consumer, 'node_modules', name));
  }
  writeFileSync(path.join(consumer, 'package.json'), '{"type":"module"}');
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the packed package holds JavaScript, declarations and documents, and nothing else', () => {
  const installed = path.join(consumer, 'node_modules/@signpost/client');
  expect(readdirSync(installed).toSorted()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  const built = readdirSync(path.join(installed, 'dist'));
  expect(built).toEqual(expect.arrayContaining(['index.js', 'index.d.ts']));
  expect(built.filter(name => !/\.(js|d\.ts)$/.test(name) || name.includes('test'))).toEqual([]);
  const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as object;
  expect(manifest).toMatchObject({
    name: '@signpost/client',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    dependencies: (JSON.parse(sourceManifest) as { dependencies: object }).dependencies,
  });
  expect(manifest).not.toHaveProperty('private');
  expect(manifest).not.toHaveProperty('scripts');
});

test('packing leaves the sources as they were', () => {
  const copy = path.join(repository, 'packages/client');
  expect(readFileSync(path.join(copy, 'package.json'), 'utf8')).toBe(sourceManifest);
  expect(
    readdirSync(copy)
      .filter(name => name !== 'dist' && name !== 'node_modules')
      .toSorted(),
  ).toEqual(
    readdirSync(path.join(root, 'packages/client'))
      .filter(name => name !== 'dist' && name !== 'node_modules')
      .toSorted(),
  );
});

test('a project outside the repository publishes with it in plain JavaScript, and nothing keeps it running', async () => {
  const server = await startTestServer('cut', {
    status: 202,
    body: { id: 'evt_1', event_type: 'a', timestamp: 't', duplicate: false },
  });
  writeFileSync(
    path.join(consumer, 'publish.js'),
    `import { createSignpostClient } from '@signpost/client';
const client = createSignpostClient({ baseUrl: process.argv[2], apiKey: 'sk_live_1' });
console.log((await client.publish({ eventType: 'a', data: 1 })).id);
await client.close();
console.log(process.getActiveResourcesInfo().filter(kind => /timeout|tcp|tls/i.test(kind)));
`,
  );
  const { stdout } = await run(process.execPath, ['publish.js', server.url], { cwd: consumer });
  expect(stdout).toBe('evt_1\n[]\n');
  expect(server.requests).toHaveLength(2);
  await server.close();
});

test('its declarations are complete and exact in a strict project', async () => {
  writeFileSync(
    path.join(consumer, 'types.ts'),
    `import { createSignpostClient, SignpostError, type PublishedEvent } from '@signpost/client';
const client = createSignpostClient({ baseUrl: 'http://localhost', apiKey: 'k' });
const published: Promise<PublishedEvent> = client.publish({ eventType: 'a', data: 1 });
published.catch((error: unknown) => error instanceof SignpostError && error.code);
// @ts-expect-error -- data must be there
void client.publish({ eventType: 'a' });
// @ts-expect-error -- an id is a text
void published.then(({ id }) => id satisfies number);
`,
  );
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
  const program = path.join(path.dirname(compiler), 'bin/tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  const complaints = await run(process.execPath, [program, ...options, 'types.ts'], { cwd: consumer }).then(
    () => '',
    (error: { stdout?: string }) => error.stdout,
  );
  expect(complaints).toBe('');
});
