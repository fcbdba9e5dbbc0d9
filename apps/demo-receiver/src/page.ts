import type { Arrival } from './arrivals.ts';

const REFRESH_SECONDS = 3;

export const STYLE_PATH = '/style.css';

/** The page that shows what arrived, newest first. It loads itself again every few seconds, without a script. */
export function arrivalsPage(arrivals: readonly Arrival[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<title>Demo receiver</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<main>
<h1>Demo receiver</h1>
<p>${summary(arrivals)} Add <code>?status=500</code> to the webhook's URL to answer with that status and see a retry.</p>
${arrivals.map(arrivalSection).join('\n')}
</main>
</body>
</html>
`;
}

function summary(arrivals: readonly Arrival[]): string {
  if (arrivals.length === 0) return 'Nothing has arrived yet. POST to any path of this server.';
  return arrivals.length === 1 ? 'One webhook has arrived.' : `The last ${arrivals.length} webhooks, newest first.`;
}

function arrivalSection(arrival: Arrival): string {
  const isVerified = arrival.check.kind === 'verified';
  const check = arrival.check.kind === 'verified' ? 'Signature verified' : `Refused: ${arrival.check.reason}`;
  return `<article>
<h2>${escaped(arrival.eventType ?? 'No event type')}</h2>
<p class="check ${isVerified ? 'verified' : 'refused'}">${isVerified ? '✓' : '✗'} ${escaped(check)}</p>
<p class="facts"><time>${new Date(arrival.receivedAtMs).toISOString()}</time> · POST ${escaped(arrival.path)} · answered ${arrival.answeredStatus}</p>
<pre>${escaped(readableBody(arrival.body))}</pre>
<table>
<tbody>
${Object.entries(arrival.headers).map(headerRow).join('\n')}
</tbody>
</table>
</article>`;
}

function headerRow([name, value]: [string, string | string[] | undefined]): string {
  return `<tr><th scope="row">${escaped(name)}</th><td>${escaped([value].flat().join(', '))}</td></tr>`;
}

/** Indented if it is JSON. The signature covers the bytes as they came, not this. */
function readableBody(body: Buffer): string {
  const text = body.toString('utf8');
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Text for an element or a quoted attribute. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

export const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin: 0; }
article { border: 1px solid #8886; border-radius: 0.5rem; padding: 1rem; margin: 1rem 0; }
article p { margin: 0.25rem 0; }
.check { font-weight: 600; }
.verified { color: light-dark(#0a6b35, #6fdc9b); }
.refused { color: light-dark(#a61b1b, #ff9c9c); }
.facts { opacity: 0.75; }
pre { background: #8882; border-radius: 0.25rem; padding: 0.75rem; overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; width: 100%; table-layout: fixed; }
th { text-align: left; font-weight: 500; width: 12rem; opacity: 0.75; }
th, td { padding: 0.1rem 0.5rem 0.1rem 0; vertical-align: top; overflow-wrap: anywhere; }
`;
