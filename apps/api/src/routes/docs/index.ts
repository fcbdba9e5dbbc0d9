import { createRequire } from 'node:module';
import path from 'node:path';
import express, { type RequestHandler, Router } from 'express';
import { docsPage, docsScript, errorsPage } from './docs-page.ts';

const swaggerFiles = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** Swagger UI sets styles from its script and draws icons from data URLs; scripts come from this server alone. */
const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** `/docs`, `/docs/errors` and the files that they load. */
export function docsRouter(): Router {
  const router = Router({ caseSensitive: true });
  router.use('/docs', setSecurityHeaders);
  router.get('/docs', sendText('text/html; charset=utf-8', docsPage));
  router.get('/docs/errors', sendText('text/html; charset=utf-8', errorsPage));
  router.get('/docs/show-api.js', sendText('text/javascript; charset=utf-8', docsScript));
  const require = createRequire(import.meta.url);
  const folder = path.dirname(require.resolve('swagger-ui-dist/package.json'));
  const files = express.static(folder, { index: false, redirect: false, maxAge: '1h' });
  router.get('/docs/:file', (request, response, next) => {
    if (!swaggerFiles.includes(request.params.file)) return next();
    request.url = `/${request.params.file}`;
    return files(request, response, next);
  });
  return router;
}

const setSecurityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  next();
};

function sendText(contentType: string, content: string): RequestHandler {
  return (_request, response) => {
    response.set('content-type', contentType).end(content);
  };
}
