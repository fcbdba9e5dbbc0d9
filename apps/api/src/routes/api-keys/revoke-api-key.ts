import { operations } from '@signpost/api-schema';
import { revokeApiKey as revoke } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';

export const revokeApiKey = ({ database, access }: ApiDependencies) =>
  route(operations.revokeApiKey, async ({ workspace, params }) => {
    const id = parseId('apiKey', params.id);
    const revoked = id !== null && (await revoke(database, workspace.workspaceId, id));
    if (!revoked) return notFound();
    access.forget();
    return answer(204);
  });
