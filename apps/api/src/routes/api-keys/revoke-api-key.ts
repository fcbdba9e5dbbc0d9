import { operations } from '@signpost/api-schema';
import { revokeApiKey as revoke } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { apiKeyFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';

export const revokeApiKey = ({ database, access }: ApiDependencies) =>
  route(operations.revokeApiKey, async ({ workspace: { workspaceId }, params, audit }) => {
    const id = parseId('apiKey', params.id);
    if (id === null) return notFound();
    const revoked = await revoke(database, workspaceId, id, key =>
      audit({
        action: 'api_key.revoked',
        workspaceId,
        resourceId: params.id,
        changes: fieldsOf(apiKeyFacts(key)),
      }),
    );
    if (!revoked) return notFound();
    access.forget();
    return answer(204);
  });
