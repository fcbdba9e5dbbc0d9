import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { createWorkspace } from './create-workspace.ts';
import { deleteWorkspace } from './delete-workspace.ts';
import { getWorkspace } from './get-workspace.ts';
import { listWorkspaces } from './list-workspaces.ts';
import { updateWorkspace } from './update-workspace.ts';

export const workspaceRoutes = (dependencies: ApiDependencies): Route[] => [
  createWorkspace(dependencies),
  listWorkspaces(dependencies),
  getWorkspace(dependencies),
  updateWorkspace(dependencies),
  deleteWorkspace(dependencies),
];
