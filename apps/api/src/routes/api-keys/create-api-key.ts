import { operations } from '@signpost/api-schema';
import { insertApiKey } from '@signpost/database';
import { formatId, makeUuid } from '@signpost/runtime';
import { hashKeySecret, keySecretHint, makeKeySecret } from '../../access/key-secret.ts';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { apiKeyFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { apiKeyBody } from './api-key-body.ts';

export const createApiKey = ({ database, clock }: ApiDependencies) =>
  route(operations.createApiKey, async ({ workspace: { workspaceId }, body, audit }) => {
    const secret = makeKeySecret();
    const row = {
      id: makeUuid(clock.nowMs()),
      workspaceId,
      name: body.name,
      scopes: body.scopes,
      secretHash: hashKeySecret(secret),
      secretHint: keySecretHint(secret),
    };
    const key = await insertApiKey(database, row, made =>
      audit({
        action: 'api_key.created',
        workspaceId,
        resourceId: formatId('apiKey', made.id),
        changes: fieldsOf(apiKeyFacts(made)),
      }),
    );
    if (key === null) throw new Error('A fresh secret exists already.');
    return answer(201, { ...apiKeyBody(key), secret });
  });
