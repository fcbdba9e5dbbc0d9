import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { getDelivery } from './get-delivery.ts';
import { listDeliveries } from './list-deliveries.ts';
import { retryDelivery } from './retry-delivery.ts';

export const deliveryRoutes = (dependencies: ApiDependencies): Route[] => [
  listDeliveries(dependencies),
  getDelivery(dependencies),
  retryDelivery(dependencies),
];
