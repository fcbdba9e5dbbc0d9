import { agentOperations } from './operations/agents.ts';
import { apiKeyOperations } from './operations/api-keys.ts';
import { auditLogOperations } from './operations/audit-log.ts';
import { contractOperations } from './operations/contracts.ts';
import { deliveryOperations } from './operations/deliveries.ts';
import { eventTypeOperations } from './operations/event-types.ts';
import { eventOperations } from './operations/events.ts';
import { instanceOperations } from './operations/instance.ts';
import { webhookOperations } from './operations/webhooks.ts';
import { workspaceOperations } from './operations/workspaces.ts';

/** Every call of the API, by operation id. */
export const operations = {
  ...eventOperations,
  ...webhookOperations,
  ...agentOperations,
  ...deliveryOperations,
  ...eventTypeOperations,
  ...contractOperations,
  ...apiKeyOperations,
  ...workspaceOperations,
  ...auditLogOperations,
  ...instanceOperations,
} as const;
