import { operations } from '@signpost/api-schema';
import { findBoundWebhook } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { agentBody } from './agent-body.ts';

export const getAgent = ({ database }: ApiDependencies) =>
  route(operations.getAgent, async ({ workspace, params }) => {
    const webhook = await findBoundWebhook(database, workspace.workspaceId, params.id);
    return webhook === null ? notFound() : answer(200, agentBody(params.id, webhook));
  });
