import { operations } from '@signpost/api-schema';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { contractBody } from './contract-body.ts';

export const getContract = ({ contracts }: ApiDependencies) =>
  route(operations.getContract, async ({ workspace, params }) => {
    const found = await contracts.find(workspace.workspaceId, params.name);
    return found === null ? notFound() : answer(200, contractBody({ ...found, document: found.contract.document }));
  });
