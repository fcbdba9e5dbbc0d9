import { z } from 'zod';
import { deliveryListSchema, deliverySchema, deliveryWithAttemptsSchema, listDeliveriesQuery } from '../delivery.ts';
import { typeId } from '../fields.ts';
import { defineOperation } from '../operation.ts';

const tag = 'Deliveries';
const params = z.object({ id: typeId('del', 'Id of the delivery.') });

export const deliveryOperations = {
  listDeliveries: defineOperation({
    operationId: 'listDeliveries',
    method: 'get',
    path: '/v1/deliveries',
    tag,
    summary: 'List deliveries',
    scope: 'read',
    request: { query: listDeliveriesQuery },
    responses: { 200: { description: 'Newest first.', schema: deliveryListSchema } },
  }),
  getDelivery: defineOperation({
    operationId: 'getDelivery',
    method: 'get',
    path: '/v1/deliveries/{id}',
    tag,
    summary: 'Read a delivery with its attempts',
    scope: 'read',
    request: { params },
    responses: { 200: { description: 'The delivery.', schema: deliveryWithAttemptsSchema } },
  }),
  retryDelivery: defineOperation({
    operationId: 'retryDelivery',
    method: 'post',
    path: '/v1/deliveries/{id}/retry',
    tag,
    summary: 'Attempt a delivery once more, now',
    description: 'Whatever its status, but not once the payload of its event is expunged (409 `payload_expunged`).',
    scope: 'admin',
    request: { params },
    responses: { 202: { description: 'The attempt will be made.', schema: deliverySchema } },
  }),
} as const;
