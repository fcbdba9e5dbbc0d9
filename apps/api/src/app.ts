import express, { type Express } from 'express';
import type { ApiDependencies } from './dependencies.ts';
import { answerRoutingFault, answerUnknownPath, mountRoutes, type Route } from './routing.ts';
import { workspaceRoutes } from './routes/workspaces/index.ts';

/** Every call under /v1. */
export function apiRoutes(dependencies: ApiDependencies): Route[] {
  return [...workspaceRoutes(dependencies)];
}

/**
 * Makes the app. Opens nothing and listens nowhere.
 *
 * @param routes in the order in which they are tried
 */
export function createApp(dependencies: ApiDependencies, routes: readonly Route[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  // Queries are read by the operations' schemas.
  app.set('query parser', false);
  mountRoutes(app, routes, dependencies);
  app.use(answerUnknownPath(dependencies));
  app.use(answerRoutingFault(dependencies));
  return app;
}
