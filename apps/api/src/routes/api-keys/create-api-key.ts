import { operations } from '@signpost/api-schema';
import { insertApiKey } from '@signpost/database';
import { makeUuid } from '@signpost/runtime';
import { hashKeySecret, keySecretHint, makeKeySecret } from '../../access/key-secret.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { apiKeyBody } from './api-key-body.ts';

export const createApiKey = ({ database, clock }: ApiDependencies) =>
  route(operations.createApiKey, async ({ workspace, body }) => {
    const secret = makeKeySecret();
    const key = await insertApiKey(database, {
      id: makeUuid(clock.nowMs()),
      workspaceId: workspace.workspaceId,
      name: body.name,
      scopes: body.scopes,
      secretHash: hashKeySecret(secret),
      secretHint: keySecretHint(secret),
    });
    if (key === null) throw new Error('A fresh secret exists already.');
    return answer(201, { ...apiKeyBody(key), secret });
  });
