import type { WorkspaceAccess } from '@signpost/database';
import { parseId } from '@signpost/runtime';

/**
 * The workspace that a path names, if the caller may know of it.
 *
 * @param id as in the path
 * @param own the caller's workspace; null: the instance's key, which sees all
 * @returns its UUID, or null where it is another's or no id at all
 */
export function visibleWorkspaceId(id: string, own: WorkspaceAccess | null): string | null {
  const uuid = parseId('workspace', id);
  return own === null || own.workspaceId === uuid ? uuid : null;
}
