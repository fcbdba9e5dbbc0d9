export interface Welcome {
  url: string;
  demoReceiverUrl: string;
  apiKey: string;
  demoSigningSecret: string;
  dataDir: string;
}

/** What a newcomer sees: where everything is, and three lines to paste. */
export function welcomeText({ url, demoReceiverUrl, apiKey, demoSigningSecret, dataDir }: Welcome): string {
  const webhook = { url: `${demoReceiverUrl}/webhook`, events: ['*'], secret: demoSigningSecret };
  const event = { event_type: 'invoice.paid', data: { id: 'inv_1', amount: 1250 } };
  return `
Signpost runs.

  API             ${url}
  Docs            ${url}/docs
  Demo receiver   ${demoReceiverUrl}   (open it to see what arrives)
  API key         ${apiKey}
  Data            ${dataDir}

1. Create a webhook that points at the demo receiver:
${curl(url, '/v1/webhooks', apiKey, webhook)}

2. Publish an event:
${curl(url, '/v1/events', apiKey, event)}

3. Read its delivery:
${curl(url, '/v1/deliveries?limit=1', apiKey)}

Ctrl-C stops everything; the data stay.
`;
}

function curl(url: string, route: string, apiKey: string, body?: unknown): string {
  const words = ['curl', '-s', quoted(`${url}${route}`), '-H', quoted(`Authorization: Bearer ${apiKey}`)];
  // With a body, curl sends POST by itself.
  if (body !== undefined)
    words.push('-H', quoted('Content-Type: application/json'), '-d', quoted(JSON.stringify(body)));
  return words.join(' ');
}

/** One word for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
