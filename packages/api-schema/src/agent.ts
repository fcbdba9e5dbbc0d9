import { z } from 'zod';
import { text, typeId } from './fields.ts';

export const agentId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/, 'must be 1 to 128 letters, digits and _ . : -, a letter or digit first')
  .meta({ description: 'Id of the agent, as its events name it in `subject`.', example: 'agent_125207e452f8714a' });

export const setAgentSchema = z
  .strictObject({
    webhook_url: text(2048)
      .nullable()
      .meta({ description: "Where the agent's events go; null: nowhere.", example: 'https://example.com/hooks' }),
  })
  .meta({ id: 'SetAgent' });

export const agentSchema = z
  .object({
    id: z.string(),
    webhook_url: z.string().nullable(),
    webhook_id: typeId('wh', 'Id of the webhook behind it.').nullable(),
    contract: z.string().nullable().meta({ description: "The webhook's contract; null: the workspace's." }),
    active: z.boolean().meta({ description: 'Whether events are delivered.' }),
    signing_secret: z.string().optional().meta({ description: 'Only when the webhook is made; never shown again.' }),
  })
  .meta({ id: 'Agent' });
export type AgentBody = z.infer<typeof agentSchema>;
