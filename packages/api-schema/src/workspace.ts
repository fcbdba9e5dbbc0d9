import { z } from 'zod';
import { contractName, text, time, typeId } from './fields.ts';

export const createWorkspaceSchema = z
  .strictObject({ name: text(100), contract: contractName.optional() })
  .meta({ id: 'CreateWorkspace' });

/** A missing field stays. */
export const updateWorkspaceSchema = z
  .strictObject({ name: text(100).optional(), contract: contractName.optional() })
  .meta({ id: 'UpdateWorkspace' });

export const workspaceSchema = z
  .object({
    id: typeId('ws', 'Id of the workspace.'),
    name: z.string(),
    contract: z.string().meta({ description: 'For webhooks that choose none of their own.' }),
    created_at: time,
  })
  .meta({ id: 'Workspace' });
export type WorkspaceBody = z.infer<typeof workspaceSchema>;
