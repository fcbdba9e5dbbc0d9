import { operations } from '@signpost/api-schema';
import { builtInContracts } from '@signpost/contracts';
import { insertContract } from '@signpost/database';
import { checkContractDocument } from '../../contracts/check-document.ts';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { contractFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { contractBody } from './contract-body.ts';

/** What else a path below /v1/contracts names. */
const reservedNames: ReadonlySet<string> = new Set(['preview']);

export const createContract = ({ database, eventCatalogue }: ApiDependencies) =>
  route(operations.createContract, async ({ workspace, body, audit }) => {
    const verdict = await checkContractDocument(body, 'body', eventCatalogue.timeOf(workspace.workspaceId));
    if (verdict.kind === 'problem') return verdict;
    const { document } = verdict;
    const { name } = document;
    if (builtInContracts.has(name) || reservedNames.has(name))
      return invalidField('body.name', 'must be none that Signpost uses itself');
    const { workspaceId } = workspace;
    const row = { workspaceId, name, document: JSON.stringify(document) };
    const stored = await insertContract(database, row, made =>
      audit({
        action: 'contract.created',
        workspaceId,
        resourceId: name,
        changes: fieldsOf(contractFacts(made)),
      }),
    );
    if (stored === null) return problem('conflict', `There is a contract ${name}. Change it with PUT.`);
    return answer(201, contractBody({ ...stored, document }));
  });
