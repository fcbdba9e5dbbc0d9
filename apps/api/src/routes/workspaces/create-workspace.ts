import { operations } from '@signpost/api-schema';
import { builtInContracts } from '@signpost/contracts';
import { insertWorkspace } from '@signpost/database';
import { formatId, makeUuid } from '@signpost/runtime';
import { catalogueEntries } from '../../contracts/catalogue-entries.ts';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { workspaceFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { workspaceBody } from './workspace-body.ts';

export const createWorkspace = ({ database, clock }: ApiDependencies) =>
  route(operations.createWorkspace, async ({ body, audit }) => {
    const { name, contract = 'standard' } = body;
    // It has no contracts of its own yet.
    const chosen = builtInContracts.get(contract);
    if (chosen === undefined) return invalidField('body.contract', 'is not the name of a contract');
    const row = { id: makeUuid(clock.nowMs()), name, contract };
    const workspace = await insertWorkspace(database, row, catalogueEntries(chosen.document), made =>
      audit({
        action: 'workspace.created',
        workspaceId: made.id,
        resourceId: formatId('workspace', made.id),
        changes: fieldsOf({ ...workspaceFacts(made), added_event_types: made.addedEventTypes }),
      }),
    );
    if (workspace === null) return problem('conflict', 'There is a workspace with this name.');
    return answer(201, workspaceBody(workspace));
  });
