import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { createApiKey } from './create-api-key.ts';
import { listApiKeys } from './list-api-keys.ts';
import { revokeApiKey } from './revoke-api-key.ts';

export const apiKeyRoutes = (dependencies: ApiDependencies): Route[] => [
  createApiKey(dependencies),
  listApiKeys(dependencies),
  revokeApiKey(dependencies),
];
