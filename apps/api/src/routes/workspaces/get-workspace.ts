import { operations } from '@signpost/api-schema';
import { findWorkspace } from '@signpost/database';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { visibleWorkspaceId } from './visible-workspace.ts';
import { workspaceBody } from './workspace-body.ts';

export const getWorkspace = ({ database }: ApiDependencies) =>
  route(operations.getWorkspace, async ({ workspace, params }) => {
    const id = visibleWorkspaceId(params.id, workspace);
    const found = id === null ? null : await findWorkspace(database, id);
    return found === null ? notFound() : answer(200, workspaceBody(found));
  });
