import { operations } from '@signpost/api-schema';
import { builtInContracts, type ContractDocument } from '@signpost/contracts';
import { listContracts as list } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { decodeCursor, encodeCursor, invalidCursor, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { contractSummaryBody, type ShownContract } from './contract-body.ts';

const contractNamePattern = /^[a-z][a-z0-9-]{0,63}$/;

export const listContracts = ({ database }: ApiDependencies) =>
  route(operations.listContracts, async ({ workspace, query: { limit, cursor } }) => {
    const afterName = cursor === undefined ? null : decodeCursor(cursor);
    if (afterName !== null && !contractNamePattern.test(afterName)) return invalidCursor();
    const rows = await list(database, workspace.workspaceId, { limit: limit + 1, afterName });
    const shown = new Map<string, ShownContract>();
    for (const [name, { document }] of builtInContracts)
      if (afterName === null || name > afterName) shown.set(name, { document, version: 0, createdAt: null });
    // What is stored was accepted and is complete; one of the workspace's own hides a newer built-in one of its name.
    for (const row of rows) shown.set(row.name, { ...row, document: row.document as ContractDocument });
    const sorted = [...shown.values()].toSorted((one, other) => (one.document.name < other.document.name ? -1 : 1));
    return answer(
      200,
      toPage(sorted, limit, contractSummaryBody, each => encodeCursor(each.document.name)),
    );
  });
