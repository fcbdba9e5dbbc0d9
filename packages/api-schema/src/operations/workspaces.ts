import { z } from 'zod';
import { listOf, pageQuery, typeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { createWorkspaceSchema, updateWorkspaceSchema, workspaceSchema } from '../workspace.ts';

const tag = 'Workspaces';
const params = z.object({ id: typeId('ws', 'Id of the workspace.') });

export const workspaceOperations = {
  createWorkspace: defineOperation({
    operationId: 'createWorkspace',
    method: 'post',
    path: '/v1/workspaces',
    tag,
    summary: 'Create a workspace',
    description:
      'Only with the instance key. Names are unique. The event types of the contract become those of the workspace.',
    scope: 'instance',
    acrossWorkspaces: true,
    request: { body: createWorkspaceSchema },
    responses: { 201: { description: 'The workspace.', schema: workspaceSchema } },
  }),
  listWorkspaces: defineOperation({
    operationId: 'listWorkspaces',
    method: 'get',
    path: '/v1/workspaces',
    tag,
    summary: 'List workspaces',
    description: 'All with the instance key; with the key of a workspace, that one.',
    scope: 'read',
    acrossWorkspaces: true,
    request: { query: z.strictObject(pageQuery) },
    responses: { 200: { description: 'Newest first.', schema: listOf(workspaceSchema) } },
  }),
  getWorkspace: defineOperation({
    operationId: 'getWorkspace',
    method: 'get',
    path: '/v1/workspaces/{id}',
    tag,
    summary: 'Read a workspace',
    scope: 'read',
    acrossWorkspaces: true,
    request: { params },
    responses: { 200: { description: 'The workspace.', schema: workspaceSchema } },
  }),
  updateWorkspace: defineOperation({
    operationId: 'updateWorkspace',
    method: 'patch',
    path: '/v1/workspaces/{id}',
    tag,
    summary: 'Change a workspace',
    description:
      'A missing field stays. Another contract holds for deliveries of later events to webhooks that name none; their secrets, methods and URLs must fit. Its event types are added to those of the workspace, which keep what was changed about them.',
    scope: 'admin',
    acrossWorkspaces: true,
    request: { params, body: updateWorkspaceSchema },
    responses: { 200: { description: 'The workspace.', schema: workspaceSchema } },
  }),
  deleteWorkspace: defineOperation({
    operationId: 'deleteWorkspace',
    method: 'delete',
    path: '/v1/workspaces/{id}',
    tag,
    summary: 'Delete a workspace',
    description:
      'Only with the instance key. Its keys, webhooks and event types are gone for good, its pending deliveries are cancelled; events stay until their retention ends.',
    scope: 'admin',
    acrossWorkspaces: true,
    request: { params },
    responses: { 204: { description: 'It is gone.' } },
  }),
} as const;
