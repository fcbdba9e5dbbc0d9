import { operations } from '@signpost/api-schema';
import { findWebhook } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { webhookBody } from './webhook-body.ts';

export const getWebhook = ({ database }: ApiDependencies) =>
  route(operations.getWebhook, async ({ workspace, params }) => {
    const id = parseId('webhook', params.id);
    const webhook = id === null ? null : await findWebhook(database, workspace.workspaceId, id);
    return webhook === null ? notFound() : answer(200, webhookBody(webhook));
  });
