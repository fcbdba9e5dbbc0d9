import { z } from 'zod';
import { agentId, agentSchema, setAgentSchema } from '../agent.ts';
import { defineOperation } from '../operation.ts';

const tag = 'Agents';
const params = z.object({ id: agentId });

export const agentOperations = {
  setAgent: defineOperation({
    operationId: 'setAgent',
    method: 'put',
    path: '/v1/agents/{id}',
    tag,
    summary: "Set the URL that gets an agent's events",
    description:
      'Makes, changes or, with null, removes the one webhook that belongs to the agent. It gets every event type, of events whose `subject` is the id of the agent. Doing it twice changes nothing.',
    scope: 'admin',
    request: { params, body: setAgentSchema },
    responses: {
      200: { description: 'As it is now.', schema: agentSchema },
      201: { description: 'The webhook was made; with its signing secret, shown once.', schema: agentSchema },
    },
  }),
  getAgent: defineOperation({
    operationId: 'getAgent',
    method: 'get',
    path: '/v1/agents/{id}',
    tag,
    summary: "Read the URL that gets an agent's events",
    description: 'An agent without a URL is not known: 404.',
    scope: 'read',
    request: { params },
    responses: { 200: { description: 'As it is now.', schema: agentSchema } },
  }),
} as const;
