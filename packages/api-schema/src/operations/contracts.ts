import { z } from 'zod';
import {
  contractDocumentSchema,
  contractListSchema,
  contractSchema,
  listContractsQuery,
  previewContractSchema,
  previewedRequestSchema,
} from '../contract.ts';
import { maxEventBytes } from '../event.ts';
import { contractName } from '../fields.ts';
import { defineOperation } from '../operation.ts';

const tag = 'Contracts';
const params = z.object({ name: contractName });

export const contractOperations = {
  createContract: defineOperation({
    operationId: 'createContract',
    method: 'post',
    path: '/v1/contracts',
    tag,
    summary: 'Create a contract',
    description: 'Its name must be none that comes with Signpost. Webhooks and the workspace may name it from then on.',
    scope: 'admin',
    request: { body: contractDocumentSchema },
    responses: { 201: { description: 'The contract, its document complete.', schema: contractSchema } },
  }),
  listContracts: defineOperation({
    operationId: 'listContracts',
    method: 'get',
    path: '/v1/contracts',
    tag,
    summary: 'List contracts',
    description: "The workspace's own and those that come with Signpost.",
    scope: 'read',
    request: { query: listContractsQuery },
    responses: { 200: { description: 'By name.', schema: contractListSchema } },
  }),
  previewContract: defineOperation({
    operationId: 'previewContract',
    method: 'post',
    path: '/v1/contracts/preview',
    tag,
    summary: 'Preview a request',
    description:
      'The request that would go out for an event, and the string that is signed. Give a stored `contract` or a `document`. The headers of every transport (`Host`, `Content-Length`, `User-Agent` and the like) and the own headers of a webhook come on top. An event of which the contract makes a body of more than 1 MiB, a header of more than 8 KiB or headers of more than 16 KiB is refused: its deliveries would fail with `request_too_large`.',
    scope: 'read',
    request: { body: previewContractSchema },
    maxBodyBytes: 2 * maxEventBytes,
    // The event stands in an object of its own.
    maxBodyDepth: 65,
    responses: { 200: { description: 'The request.', schema: previewedRequestSchema } },
  }),
  getContract: defineOperation({
    operationId: 'getContract',
    method: 'get',
    path: '/v1/contracts/{name}',
    tag,
    summary: 'Read a contract',
    scope: 'read',
    request: { params },
    responses: { 200: { description: 'The contract with its document.', schema: contractSchema } },
  }),
  updateContract: defineOperation({
    operationId: 'updateContract',
    method: 'put',
    path: '/v1/contracts/{name}',
    tag,
    summary: 'Change a contract',
    description:
      'Makes a new version of the whole document. Deliveries of later events go by it; those that exist keep the version that they began with. Webhooks that use it must fit: their secrets, methods and URLs.',
    scope: 'admin',
    request: { params, body: contractDocumentSchema },
    responses: { 200: { description: 'The new version.', schema: contractSchema } },
  }),
  deleteContract: defineOperation({
    operationId: 'deleteContract',
    method: 'delete',
    path: '/v1/contracts/{name}',
    tag,
    summary: 'Delete a contract',
    description:
      'Refused while a webhook or the workspace uses it. Deliveries that began with it are still made and shown by it.',
    scope: 'admin',
    request: { params },
    responses: { 204: { description: 'It is gone.' } },
  }),
} as const;
