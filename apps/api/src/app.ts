import express, { type Express } from 'express';
import type { ApiDependencies } from './dependencies.ts';
import { answerRoutingFault, answerUnknownPath, mountRoutes, type Route, type RoutingDependencies } from './routing.ts';
import { agentRoutes } from './routes/agents/index.ts';
import { apiKeyRoutes } from './routes/api-keys/index.ts';
import { auditLogRoutes } from './routes/audit-log/index.ts';
import { contractRoutes } from './routes/contracts/index.ts';
import { deliveryRoutes } from './routes/deliveries/index.ts';
import { docsRouter } from './routes/docs/index.ts';
import { eventRoutes } from './routes/events/index.ts';
import { eventTypeRoutes } from './routes/event-types/index.ts';
import { webhookRoutes } from './routes/webhooks/index.ts';
import { workspaceRoutes } from './routes/workspaces/index.ts';

/** Every call under /v1. What is called most comes first: routes are tried in their order. */
export function apiRoutes(dependencies: ApiDependencies): Route[] {
  return [
    ...eventRoutes(dependencies),
    ...deliveryRoutes(dependencies),
    ...webhookRoutes(dependencies),
    ...agentRoutes(dependencies),
    ...eventTypeRoutes(dependencies),
    ...contractRoutes(dependencies),
    ...apiKeyRoutes(dependencies),
    ...workspaceRoutes(dependencies),
    ...auditLogRoutes(dependencies),
  ];
}

/**
 * Makes the app. Opens nothing and listens nowhere.
 *
 * @param routes in the order in which they are tried
 */
export function createApp(dependencies: RoutingDependencies, routes: readonly Route[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  // Queries are read by the operations' schemas.
  app.set('query parser', false);
  mountRoutes(app, routes, dependencies);
  app.use(docsRouter());
  app.use(answerUnknownPath(dependencies));
  app.use(answerRoutingFault(dependencies));
  return app;
}
