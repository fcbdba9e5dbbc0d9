import { operations } from '@signpost/api-schema';
import { changeWorkspace, listContractUsers, type WorkspaceChanges } from '@signpost/database';
import { differencesOf } from '../../audit/audit-changes.ts';
import { workspaceFacts } from '../../audit/audited-facts.ts';
import { catalogueEntries } from '../../contracts/catalogue-entries.ts';
import { checkUsers } from '../../contracts/check-users.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, notFound, type Problem, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { visibleWorkspaceId } from './visible-workspace.ts';
import { workspaceBody } from './workspace-body.ts';

export const updateWorkspace = (dependencies: ApiDependencies) =>
  route(operations.updateWorkspace, async ({ workspace, params, body, audit }) => {
    const { database, access } = dependencies;
    const id = visibleWorkspaceId(params.id, workspace);
    if (id === null) return notFound();
    const choice = body.contract === undefined ? null : await chooseContract(dependencies, id, body.contract);
    if (choice?.kind === 'problem') return choice;
    const wanted = { name: body.name, contract: choice?.contract };
    const result = await changeWorkspace(database, id, wanted, ({ before, after, addedEventTypes }) =>
      audit({
        action: 'workspace.updated',
        workspaceId: id,
        resourceId: params.id,
        changes: differencesOf(
          { ...workspaceFacts(before), added_event_types: [] },
          { ...workspaceFacts(after), added_event_types: addedEventTypes },
        ),
      }),
    );
    access.forget();
    if (result.kind === 'missing') return notFound();
    if (result.kind === 'name_taken') return problem('conflict', 'There is a workspace with this name.');
    return answer(200, workspaceBody(result.workspace));
  });

interface ContractChoice {
  readonly kind: 'choice';
  readonly contract: NonNullable<WorkspaceChanges['contract']>;
}

/** Whether the webhooks that leave the choice to the workspace can go by the contract. */
async function chooseContract(
  { database, contracts, encryption, production }: ApiDependencies,
  workspaceId: string,
  name: string,
): Promise<ContractChoice | Problem> {
  const found = await contracts.find(workspaceId, name);
  if (found === null) return invalidField('body.contract', 'is not the name of a contract');
  const users = await listContractUsers(database, workspaceId, { name: null, ofDefault: true });
  const refused = checkUsers(found.contract, users, { encryption, production });
  if (refused !== null) return refused;
  return { kind: 'choice', contract: { name, eventTypes: catalogueEntries(found.contract.document) } };
}
