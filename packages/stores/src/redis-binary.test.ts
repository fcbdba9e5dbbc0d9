import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findRedisServer, obtainRedisServer } from './redis-binary.ts';

let folder: string;
const searchPath = process.env.PATH;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'signpost-test-path-'));
});

afterEach(() => {
  process.env.PATH = searchPath;
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

test('Valkey is preferred to Redis, and what is no program is passed over', () => {
  const redis = program('redis-server', '');
  const search = { folders: [folder] };
  expect(findRedisServer(search)).toBe(redis);
  const valkey = program('valkey-server', '');
  expect(findRedisServer(search)).toBe(valkey);
  rmSync(valkey);
  chmodSync(redis, 0o644);
  expect(findRedisServer(search)).toBeUndefined();
});

test('without a server, the package manager installs one, after saying so', async () => {
  const calls = path.join(folder, 'calls');
  const server = path.join(folder, 'redis-server');
  program(
    'apt-get',
    `echo "$*" >> ${calls}\nif [ "$1" = install ]; then printf '#!/bin/sh\\n' > ${server}; /bin/chmod 755 ${server}; fi`,
  );
  const said: string[] = [];
  const options = { folders: [folder], isRoot: true, onNotice: (sentence: string) => void said.push(sentence) };
  process.env.PATH = `${folder}:${searchPath}`;
  expect(await obtainRedisServer(options)).toBe(server);
  expect(said).toEqual(['No Redis found: installing it with apt-get…']);
  expect(readFileSync(calls, 'utf8')).toBe('update -qq\ninstall -qq -y --no-install-recommends redis-server\n');
});

test('an installation that fails is told in its own words, with the ways out', async () => {
  program('apk', 'echo "no network"; exit 1');
  process.env.PATH = `${folder}:${searchPath}`;
  const failure = obtainRedisServer({ folders: [folder], isRoot: true, onNotice: () => undefined });
  await expect(failure).rejects.toMatchObject({
    code: 'redis_missing',
    message: expect.stringMatching(/REDIS_URL.*redis-server on the PATH.*apt-get, dnf, apk or brew[^]*no network/),
  });
});

test('without the right to install, nothing is installed and the ways out are named', async () => {
  program('brew', `touch ${path.join(folder, 'called')}`);
  // Homebrew refuses to run as root.
  const failure = obtainRedisServer({ folders: [folder], isRoot: true, onNotice: () => undefined });
  await expect(failure).rejects.toMatchObject({ code: 'redis_missing' });
  expect(existsSync(path.join(folder, 'called'))).toBe(false);
});
