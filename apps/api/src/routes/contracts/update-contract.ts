import { operations } from '@signpost/api-schema';
import { builtInContracts, compileContract } from '@signpost/contracts';
import { findContract, insertContractVersion, listContractUsers } from '@signpost/database';
import { catalogueEntries } from '../../contracts/catalogue-entries.ts';
import { checkContractDocument } from '../../contracts/check-document.ts';
import { checkUsers } from '../../contracts/check-users.ts';
import { differencesOf } from '../../audit/audit-changes.ts';
import { contractFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, notFound, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { contractBody } from './contract-body.ts';

export const updateContract = (dependencies: ApiDependencies) =>
  route(operations.updateContract, async ({ workspace, params, body, audit }) => {
    const { database, access, eventCatalogue } = dependencies;
    const { workspaceId } = workspace;
    const { name } = params;
    if ((await findContract(database, workspaceId, name)) === null)
      return builtInContracts.has(name) ? comesWithSignpost(name) : notFound();
    const verdict = await checkContractDocument(body, 'body', eventCatalogue.timeOf(workspaceId));
    if (verdict.kind === 'problem') return verdict;
    const { document } = verdict;
    if (document.name !== name) return invalidField('body.name', `must be ${name}, as in the path`);
    const users = await listContractUsers(database, workspaceId, { name, ofDefault: workspace.contract === name });
    const refused = checkUsers(compileContract(document), users, dependencies);
    if (refused !== null) return refused;
    const stored = await insertContractVersion(
      database,
      { workspaceId, name, document: JSON.stringify(document) },
      catalogueEntries(document),
      ({ before, after, addedEventTypes }) =>
        audit({
          action: 'contract.updated',
          workspaceId,
          resourceId: name,
          changes: differencesOf(
            { ...contractFacts(before), added_event_types: [] },
            { ...contractFacts(after), added_event_types: addedEventTypes },
          ),
        }),
    );
    if (stored === null) return notFound();
    // It may have brought event types.
    access.forget();
    return answer(200, contractBody({ ...stored, document }));
  });

export function comesWithSignpost(name: string) {
  return problem('conflict', `The contract ${name} comes with Signpost and stays as it is. Make one of another name.`);
}
