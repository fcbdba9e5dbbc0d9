import { operations } from '@signpost/api-schema';
import { builtInContracts } from '@signpost/contracts';
import { deleteContract as deleteRow } from '@signpost/database';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { contractFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { comesWithSignpost } from './update-contract.ts';

export const deleteContract = ({ database }: ApiDependencies) =>
  route(operations.deleteContract, async ({ workspace: { workspaceId }, params: { name }, audit }) => {
    const result = await deleteRow(database, workspaceId, name, gone =>
      audit({
        action: 'contract.deleted',
        workspaceId,
        resourceId: name,
        changes: fieldsOf(contractFacts(gone)),
      }),
    );
    if (result.kind === 'deleted') return answer(204);
    if (result.kind === 'missing') return builtInContracts.has(name) ? comesWithSignpost(name) : notFound();
    const { webhooks, isDefault } = result;
    const users = [
      ...(isDefault ? ['the workspace, as its default'] : []),
      ...(webhooks > 0 ? [webhooks === 1 ? '1 webhook' : `${webhooks} webhooks`] : []),
    ];
    return problem('contract_in_use', `The contract ${name} is used by ${users.join(' and ')}.`);
  });
