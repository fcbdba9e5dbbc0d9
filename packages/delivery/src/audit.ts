/** Every kind of change that leaves an entry in the audit log: the kind of thing, a dot, and what became of it. */
export const auditActions = [
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret_rotated',
  'webhook.deactivated',
  'webhook.tested',
  'delivery.retried',
  'event.payload_expunged',
  'agent.created',
  'agent.updated',
  'agent.deleted',
  'event_type.created',
  'event_type.updated',
  'event_type.deleted',
  'contract.created',
  'contract.updated',
  'contract.deleted',
  'api_key.created',
  'api_key.revoked',
  'workspace.created',
  'workspace.updated',
  'workspace.deleted',
  'encryption_key.rotated',
] as const;
export type AuditAction = (typeof auditActions)[number];

type ResourceOf<Action> = Action extends `${infer Resource}.${string}` ? Resource : never;
/** The kinds of things that an entry can be about. */
export type AuditResourceType = ResourceOf<AuditAction>;

/** The kind of thing that an action is about. */
export function auditResourceOf(action: AuditAction): AuditResourceType {
  return action.slice(0, action.indexOf('.')) as AuditResourceType;
}

export const auditResourceTypes: readonly AuditResourceType[] = [...new Set(auditActions.map(auditResourceOf))];

/**
 * Who made a change: a workspace's key, the instance's own key, a process of Signpost by itself, or a person with a command
 * on the server.
 */
export const auditActorTypes = ['api_key', 'instance_key', 'system', 'operator'] as const;
export type AuditActorType = (typeof auditActorTypes)[number];
