import { createRequire } from 'node:module';
import path from 'node:path';
import { pageSecurityHeaders } from '@signpost/runtime';
import express, { type RequestHandler, Router } from 'express';
import { docsPage, docsScript, errorsPage, errorsStyle } from './docs-page.ts';

const swaggerFiles = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/**
 * Swagger UI loads its script and style sheet, reads /openapi.json, tries calls out and draws icons from data URLs. It sets
 * styles through the object model, which needs no leave: nothing inline is allowed.
 */
const pageHeaders = pageSecurityHeaders(
  "script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'",
);
/** A page of text. */
const textPageHeaders = pageSecurityHeaders("style-src 'self'; img-src 'self'");

/** `/docs`, `/docs/errors` and the files that they load. */
export function docsRouter(): Router {
  const router = Router({ caseSensitive: true });
  router.get('/docs', sendText('text/html; charset=utf-8', docsPage, pageHeaders));
  router.get('/docs/errors', sendText('text/html; charset=utf-8', errorsPage, textPageHeaders));
  router.get('/docs/errors.css', sendText('text/css; charset=utf-8', errorsStyle, textPageHeaders));
  router.get('/docs/show-api.js', sendText('text/javascript; charset=utf-8', docsScript, pageHeaders));
  const require = createRequire(import.meta.url);
  const folder = path.dirname(require.resolve('swagger-ui-dist/package.json'));
  const files = express.static(folder, { index: false, redirect: false, maxAge: '1h' });
  router.get('/docs/:file', (request, response, next) => {
    if (!swaggerFiles.includes(request.params.file)) return next();
    request.url = `/${request.params.file}`;
    response.set(pageHeaders);
    return files(request, response, next);
  });
  return router;
}

function sendText(contentType: string, content: string, headers: Readonly<Record<string, string>>): RequestHandler {
  return (_request, response) => {
    response.set({ ...headers, 'content-type': contentType }).end(content);
  };
}
