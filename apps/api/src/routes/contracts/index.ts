import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { createContract } from './create-contract.ts';
import { deleteContract } from './delete-contract.ts';
import { getContract } from './get-contract.ts';
import { listContracts } from './list-contracts.ts';
import { previewContract } from './preview-contract.ts';
import { updateContract } from './update-contract.ts';

export const contractRoutes = (dependencies: ApiDependencies): Route[] => [
  // Before the path with a name, which would take it.
  previewContract(dependencies),
  createContract(dependencies),
  listContracts(dependencies),
  getContract(dependencies),
  updateContract(dependencies),
  deleteContract(dependencies),
];
