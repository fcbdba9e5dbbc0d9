import type { AuditAuthor, AuditEntry } from './index.ts';

export const author: AuditAuthor = {
  actor: { type: 'operator', id: null, name: 'tests' },
  ip: '192.0.2.7',
  userAgent: 'tests/1',
  requestId: 'request-1',
};

/** The entry of a change that a test makes for another reason than its entry. */
export const audit = (): AuditEntry => ({
  author,
  action: 'workspace.updated',
  workspaceId: null,
  resourceId: 'ws_of_a_test',
  changes: {},
});
