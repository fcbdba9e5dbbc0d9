import { operations } from '@signpost/api-schema';
import { builtInContracts } from '@signpost/contracts';
import { insertWorkspace } from '@signpost/database';
import { makeUuid } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { workspaceBody } from './workspace-body.ts';

export const createWorkspace = ({ database, clock }: ApiDependencies) =>
  route(operations.createWorkspace, async ({ body }) => {
    const { name, contract = 'standard' } = body;
    if (!builtInContracts.has(contract)) return invalidField('body.contract', 'is not the name of a contract');
    const workspace = await insertWorkspace(database, { id: makeUuid(clock.nowMs()), name, contract });
    if (workspace === null) return problem('conflict', 'There is a workspace with this name.');
    return answer(201, workspaceBody(workspace));
  });
