import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { getAgent } from './get-agent.ts';
import { setAgent } from './set-agent.ts';

export const agentRoutes = (dependencies: ApiDependencies): Route[] => [setAgent(dependencies), getAgent(dependencies)];
