import type { WorkspaceBody } from '@signpost/api-schema';
import type { Workspace } from '@signpost/database';
import { formatId } from '@signpost/runtime';

export function workspaceBody({ id, name, contract, createdAt }: Workspace): WorkspaceBody {
  return { id: formatId('workspace', id), name, contract, created_at: createdAt.toISOString() };
}
