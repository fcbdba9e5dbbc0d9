import type { IncomingHttpHeaders } from 'node:http';
import type { Operation } from '@signpost/api-schema';
import type { ApiKeyScope } from '@signpost/delivery';
import { parseId } from '@signpost/runtime';
import type { WorkspaceAccess } from '@signpost/database';
import { notFound, type Problem, problem } from '../errors/problem.ts';
import type { AccessRegistry, KeyHolder } from './access-registry.ts';
import { readCredentials } from './credentials.ts';

/** Who calls, and on which workspace. */
export interface Access {
  readonly kind: 'access';
  /** The key's UUID; null: the instance's own key. */
  readonly keyId: string | null;
  /** Empty with the instance's own key. */
  readonly keyName: string;
  readonly scopes: readonly ApiKeyScope[];
  /** Null only with the instance's key, where the operation works across workspaces and none was named. */
  readonly workspace: WorkspaceAccess | null;
}

const unauthorizedHeaders = { 'www-authenticate': 'Bearer realm="signpost"' };

/** Finds out who calls, whether the operation is theirs, and on which workspace it works. */
export async function authorize(
  operation: Operation,
  headers: IncomingHttpHeaders,
  registry: AccessRegistry,
): Promise<Access | Problem> {
  const credentials = readCredentials(headers.authorization);
  if (credentials.kind !== 'key') {
    const detail =
      credentials.kind === 'none'
        ? 'The Authorization header is missing.'
        : 'The Authorization header is not of the form `Bearer <key>`.';
    return problem('unauthorized', detail, { headers: unauthorizedHeaders });
  }
  const holder = await registry.findKeyHolder(credentials.secret);
  if (holder === null || !isIdOfHolder(credentials.keyId, holder))
    return problem('unauthorized', 'The key is not valid.', { headers: unauthorizedHeaders });
  const workspaceHeader = headers['x-workspace-id'];
  const named = typeof workspaceHeader === 'string' ? workspaceHeader : null;
  return holder.kind === 'instance'
    ? authorizeInstance(operation, named, registry)
    : authorizeKey(operation, named, holder);
}

/** In the spelling KEY_ID:KEY_SECRET both must belong together; the instance's key has no id. */
function isIdOfHolder(keyId: string | null, holder: KeyHolder): boolean {
  return keyId === null || (holder.kind === 'key' && parseId('apiKey', keyId) === holder.key.keyId);
}

async function authorizeInstance(
  operation: Operation,
  named: string | null,
  registry: AccessRegistry,
): Promise<Access | Problem> {
  const access = { kind: 'access', keyId: null, keyName: '', scopes: ['admin'] } as const;
  if (named === null) {
    if (operation.acrossWorkspaces === true) return { ...access, workspace: null };
    return problem('workspace_required', 'Name the workspace in the header X-Workspace-Id.');
  }
  const workspaceId = parseId('workspace', named);
  const workspace = workspaceId === null ? null : await registry.findWorkspace(workspaceId);
  return workspace === null ? notFound() : { ...access, workspace };
}

function authorizeKey(
  { scope }: Operation,
  named: string | null,
  { key }: Extract<KeyHolder, { kind: 'key' }>,
): Access | Problem {
  if (named !== null && parseId('workspace', named) !== key.workspaceId) return notFound();
  if (scope === 'instance') return problem('forbidden_scope', 'This needs the instance key.');
  if (scope !== null && !key.scopes.includes(scope) && !key.scopes.includes('admin'))
    return problem('forbidden_scope', `This needs a key with the scope ${scope}.`);
  return { kind: 'access', keyId: key.keyId, keyName: key.keyName, scopes: key.scopes, workspace: key };
}
