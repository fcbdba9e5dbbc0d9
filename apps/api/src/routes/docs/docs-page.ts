import { type ProblemKind, problemCodes } from '@signpost/api-schema';
import { attemptErrors } from '@signpost/delivery';

/** The page that shows the API: the files of swagger-ui and the script below, nothing inline. */
export const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Signpost API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="api"></div>
    <noscript>The API is described in <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/show-api.js"></script>
  </body>
</html>
`;

export const docsScript = `'use strict';
SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });
`;

/** The page that a problem's `type` points into; it also says what the codes of failed attempts mean. */
export const errorsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Signpost: error codes</title>
    <link rel="stylesheet" href="/docs/errors.css">
    <link rel="icon" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <p><a href="/docs">API</a> · <a href="#problems">Problem codes</a> of the API, <a href="#attempts">codes of failed attempts</a></p>
    <h1 id="problems">Problem codes</h1>
    <p>Every answer from 400 on is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is one of these.</p>
    ${Object.entries<ProblemKind>(problemCodes).map(describe).join('\n    ')}
    <h1 id="attempts">Codes of failed attempts</h1>
    <p>The <code>error.code</code> of an attempt in <code>GET /v1/deliveries/{id}</code> is one of these. What to do about
    each, and what happens when a part of Signpost fails, stands in <code>docs/failure-modes.md</code> of the repository.</p>
    ${Object.entries(attemptErrors).map(describeAttemptError).join('\n    ')}
  </body>
</html>
`;

/** The code that a link led to is marked. */
export const errorsStyle = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 48rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.5rem; margin: 2.5rem 0 0.5rem; }
h2 { font-size: 1.05rem; font-weight: 500; margin: 1.5rem 0 0; }
h2 + p { margin: 0.25rem 0 0; }
code { background: #8882; border-radius: 0.25rem; padding: 0.1rem 0.3rem; overflow-wrap: anywhere; }
:target { scroll-margin-top: 1rem; }
:target code { background: #d9770666; }
`;

function describe([code, { status, title, help }]: [string, ProblemKind]): string {
  return `<h2 id="${code}"><code>${code}</code> (${status})</h2>\n    <p>${toHtml(title)} ${toHtml(help)}</p>`;
}

function describeAttemptError([code, meaning]: [string, string]): string {
  return `<h2 id="attempt-${code}"><code>${code}</code></h2>\n    <p>${toHtml(meaning)}</p>`;
}

function toHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/`([^`]*)`/g, '<code>$1</code>');
}
