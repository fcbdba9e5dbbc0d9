// No container engine runs where the tests run, so the two production files are read and held against what is known.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

interface Service {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  stop_grace_period?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, null>;
}

type Validate = ((value: unknown) => boolean) & { errors?: unknown };

// The API's own ajv: the root has none.
const { Ajv2020 } = createRequire(path.join(root, 'apps/api/package.json'))('ajv/dist/2020.js') as {
  Ajv2020: new (options: object) => { compile(schema: unknown): Validate };
};
const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(read('tests/repository/compose.schema.json')),
);

const readCompose = (text = read('docker-compose.yml')) => parse(text, { merge: true }) as Compose;
const ours = () => Object.entries(readCompose().services).filter(([, service]) => service.build !== undefined);

test('docker-compose.yml is what the Compose schema says', () => {
  validate(readCompose());
  expect(validate.errors).toBeNull();
});

test.each([
  ['a field that does not exist', 'restart: unless-stopped', 'restarts: unless-stopped'],
  ['a condition that does not exist', 'condition: service_healthy', 'condition: healthy'],
  ['a health check that YAML reads as a mapping', '"valkey-cli ping | grep -q PONG"', '{ valkey-cli: ping }'],
  ['a duration without a unit', 'interval: 5s', 'interval: 5'],
])('the schema refuses %s', (_, right, wrong) => {
  const text = read('docker-compose.yml');
  expect(text).toContain(right);
  expect(validate(readCompose(text.replace(right, wrong)))).toBe(false);
});

test('the host sees the port of the API alone', () => {
  const published = Object.entries(readCompose().services).filter(([, { ports = [] }]) => ports.length > 0);
  expect(published.map(([name]) => name)).toEqual(['api']);
});

test('every secret comes from the environment, and a missing one stops compose with a sentence', () => {
  const values = Object.values(readCompose().services).flatMap(({ environment }) => Object.entries(environment ?? {}));
  const secrets = values.filter(([name]) => /PASSWORD|_KEY$|DATABASE_URL/.test(name)).map(([, value]) => String(value));
  expect(secrets.length).toBeGreaterThan(0);
  for (const value of secrets) expect(value).toMatch(/\$\{[A-Z_]+:\?Set [A-Z_]+ to .+\}/);
});

test('every long-lived service has a health check, a grace period and a restart policy', () => {
  const { migrate, ...services } = readCompose().services;
  expect(migrate).toBeDefined();
  for (const [name, { healthcheck, stop_grace_period, restart }] of Object.entries(services)) {
    expect({ name, healthcheck, stop_grace_period, restart }).toEqual({
      name,
      healthcheck: expect.anything(),
      stop_grace_period: expect.any(String),
      restart: 'unless-stopped',
    });
  }
});

test('what a service waits for exists, and has a health check where it waits for health', () => {
  const { services } = readCompose();
  const waits = Object.values(services).flatMap(({ depends_on }) => Object.entries(depends_on ?? {}));
  expect(waits.length).toBeGreaterThan(0);
  for (const [name, { condition }] of waits) {
    expect(services).toHaveProperty(name);
    if (condition === 'service_healthy') expect(services[name]).toHaveProperty('healthcheck');
  }
});

test('API and dispatchers start after the migrations have been applied', () => {
  const { api, dispatcher } = readCompose().services;
  for (const service of [api, dispatcher]) {
    expect(service?.depends_on?.['migrate']).toEqual({ condition: 'service_completed_successfully' });
  }
});

test('the queue is written to disk and never evicts a key', () => {
  const command = readCompose().services['redis']?.command?.join(' ');
  expect(command).toContain('--appendonly yes');
  expect(command).toContain('--maxmemory-policy noeviction');
});

test('every named volume is declared', () => {
  const { services, volumes } = readCompose();
  const used = Object.values(services)
    .flatMap(service => service.volumes ?? [])
    .map(volume => volume.split(':')[0]);
  expect(new Set(used)).toEqual(new Set(Object.keys(volumes)));
});

test('our services are one image, and run programs that exist', () => {
  expect(ours().map(([name]) => name)).toEqual(['migrate', 'api', 'dispatcher']);
  for (const [, { image, command = [] }] of ours()) {
    expect(image).toBe('signpost:local');
    expect(command[0]).toBe('node');
    expect(existsSync(path.join(root, command[1] ?? ''))).toBe(true);
  }
});

test('our services run without rights: not as root, no capabilities, nothing to write to but /tmp', () => {
  expect(
    read('Dockerfile')
      .split('\n')
      .findLast(line => line.startsWith('USER ')),
  ).toBe('USER node');
  for (const [, { read_only, cap_drop, security_opt }] of ours())
    expect({ read_only, cap_drop, security_opt }).toEqual({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
});

// Most of what a deployment does with our network rules cannot be tried here; that the example is well formed can.
test('the network policy in the documentation is YAML, and lets nothing private through', () => {
  const [, text = ''] = /```yaml\n(apiVersion: networking[^`]+)```/.exec(read('docs/operations.md')) ?? [];
  const policy = parse(text) as { kind: string; spec: { egress: { to: { ipBlock?: { except?: string[] } }[] }[] } };
  expect(policy.kind).toBe('NetworkPolicy');
  const except = policy.spec.egress.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock?.except ?? []));
  expect(except).toEqual(expect.arrayContaining(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16']));
});

test.each(['api', 'dispatcher'])('%s reads every variable that it is given', name => {
  const config = read(`apps/${name}/src/config.ts`);
  const { DATABASE_URL, ...environment } = readCompose().services[name]?.environment ?? {};
  expect(DATABASE_URL).toBeDefined();
  for (const variable of Object.keys(environment)) expect(config).toMatch(new RegExp(`\\b${variable}\\b`));
});

test('the image installs from the manifest of every workspace', () => {
  const manifests = globSync(['apps/*/package.json', 'packages/*/package.json'], { cwd: root });
  const copied = [...read('Dockerfile').matchAll(/^COPY (\S+\/package\.json) /gm)].map(([, file]) => file);
  expect(new Set(copied)).toEqual(new Set(manifests));
});

test('what the image copies exists, and the build may see it', () => {
  const ignored = read('.dockerignore').split('\n');
  const sources = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
    files.split(' '),
  );
  expect(sources.length).toBeGreaterThan(0);
  for (const source of sources) {
    expect(existsSync(path.join(root, source))).toBe(true);
    const folder = source.split('/')[0];
    expect(ignored.includes(`!${source}`) || ignored.includes(`!${folder}`)).toBe(true);
  }
});

test('the last stage of the image does not run as root', () => {
  const lastStage = read('Dockerfile')
    .split(/^FROM /m)
    .at(-1);
  expect(lastStage).toMatch(/^USER node$/m);
});

test('the scripts that docs/operations.md runs with plain node are in the image', () => {
  const told = [...read('docs/operations.md').matchAll(/node (scripts\/[\w-]+\.ts)/g)].map(([, file = '']) => file);
  const copied = /^COPY (scripts\/.+) scripts\/$/m.exec(read('Dockerfile'))?.[1]?.split(' ');
  expect(new Set(told)).toEqual(new Set(copied));
  expect(told.length).toBeGreaterThan(1);
});
