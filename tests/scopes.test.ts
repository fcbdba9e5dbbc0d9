import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import { type AnyJson, type Installation, startInstallation } from './support/installation.ts';

let signpost: Installation;
let document: AnyJson;
const keys: Record<string, string | null> = { none: null, unknown: 'sk_live_unknown' };
beforeAll(async () => {
  signpost = await startInstallation({ dispatchers: 0 });
  document = (await signpost.call('GET', '/openapi.json')).body;
  for (const scope of ['read', 'publish', 'admin', 'revoked']) {
    const scopes = [scope === 'revoked' ? 'admin' : scope];
    const { body } = await signpost.call('POST', '/v1/api-keys', { name: scope, scopes });
    keys[scope] = body.secret;
    if (scope === 'revoked') await signpost.call('DELETE', `/v1/api-keys/${body.id}`);
  }
}, 60_000);
afterAll(() => signpost.close());

/** Requests that change nothing: what their paths name never was, and the bodies of what is made are empty. */
const never = '01jd3kq8e5f1x9a7m2c4v6b8n0';
const prefixes: Readonly<Record<string, string>> = {
  webhooks: 'wh_',
  events: 'evt_',
  deliveries: 'del_',
  'api-keys': 'key_',
  workspaces: 'ws_',
};

/** Who may do what, as the document says it. */
function needs(described: AnyJson): string {
  if (described.security?.length === 0) return 'nothing';
  if (described.description?.includes('Needs the instance key.')) return 'instance';
  return /Needs the scope `(\w+)`/.exec(described.description ?? '')?.[1] ?? 'unsaid';
}

function statusFor(key: string, needed: string): number | 'allowed' {
  if (needed === 'nothing') return 'allowed';
  if (key === 'none' || key === 'unknown' || key === 'revoked') return 401;
  return key === needed || (key === 'admin' && needed !== 'instance') ? 'allowed' : 403;
}

describe.each(
  Object.values<Operation>(operations).map(({ operationId, method, path }) => [operationId, method, path] as const),
)('%s', (operationId, method, path) => {
  test.each(['none', 'unknown', 'revoked', 'read', 'publish', 'admin'])('with the key: %s', async name => {
    const needed = needs(document.paths[path][method]);
    expect(['nothing', 'instance', 'read', 'publish', 'admin']).toContain(needed);
    const prefix = prefixes[path.split('/')[2] ?? ''] ?? '';
    const target = path.replace(/\{\w+\}/, prefix === '' ? 'never-made' : `${prefix}${never}`);
    const key = keys[name] ?? null;
    const answer = await signpost.call(method.toUpperCase(), target, method === 'get' ? undefined : {}, {
      authorization: key === null ? '' : `Bearer ${key}`,
    });
    const expected = statusFor(name, needed);
    if (expected === 'allowed') expect([401, 403, 500]).not.toContain(answer.status);
    else expect([operationId, answer.status]).toEqual([operationId, expected]);
    if (expected === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    if (expected === 403)
      expect(answer.body).toMatchObject({
        code: 'forbidden_scope',
        detail: needed === 'instance' ? 'This needs the instance key.' : `This needs a key with the scope ${needed}.`,
      });
  });
});
