import { operations } from '@signpost/api-schema';
import { builtInContracts, type ContractDocument } from '@signpost/contracts';
import { listContracts as list, type PageRequest, type PageRows, type StoredContract } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { nameCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { contractSummaryBody, type ShownContract } from './contract-body.ts';

const isContractName = (text: string): boolean => /^[a-z][a-z0-9-]{0,63}$/.test(text);

export const listContracts = ({ database, encryption }: ApiDependencies) =>
  route(operations.listContracts, async ({ workspace, query }) => {
    const cursors = nameCursors(encryption, 'contracts', workspace.workspaceId, isContractName);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const found = addBuiltIn(await list(database, workspace.workspaceId, page), page);
    return answer(200, toPage(cursors, page, found, contractSummaryBody));
  });

interface ListedContract extends ShownContract {
  readonly name: string;
}

/** What a page of the workspace's own contracts becomes with those that come with Signpost among them. */
function addBuiltIn(own: PageRows<StoredContract>, { limit, start }: PageRequest): PageRows<ListedContract> {
  const listed = new Map<string, ListedContract>();
  const beside = own.beside === null ? [] : [own.beside];
  for (const [name, { document }] of builtInContracts)
    if (isReadFrom(start, name)) listed.set(name, { name, document, version: 0, createdAt: null });
    else beside.push(name);
  // What is stored was accepted and is complete; one of the workspace's own hides a newer built-in one of its name.
  for (const row of own.rows) listed.set(row.name, { ...row, document: row.document as ContractDocument });
  const sorted = [...listed.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const backward = start?.direction === 'backward';
  return {
    rows: backward ? sorted.slice(-limit) : sorted.slice(0, limit),
    hasMore: own.hasMore || sorted.length > limit,
    beside: beside.toSorted().at(backward ? 0 : -1) ?? null,
  };
}

function isReadFrom(start: PageRequest['start'], name: string): boolean {
  if (start === null) return true;
  if (name === start.key) return start.inclusive;
  return name > start.key === (start.direction === 'forward');
}
