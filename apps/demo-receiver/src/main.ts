// A receiver to try Signpost with: prints each webhook and whether its signature holds, and shows the last ones on a page.
// PORT (default 3001, 0 for any), HOST (default 127.0.0.1) and SIGNING_SECRET (whsec_…) come from the environment.
import type { AddressInfo } from 'node:net';
import { verify } from '@signpost/contracts/verify';
import { createDemoReceiver } from './demo-receiver.ts';

const { PORT = '3001', HOST = '127.0.0.1', SIGNING_SECRET: secret } = process.env;

if (secret === undefined || secret === '') {
  process.stderr.write('Set SIGNING_SECRET to the signing secret of the webhook (whsec_…) that sends here.\n');
  process.exit(1);
}

const server = createDemoReceiver({
  checkSignature: (headers, body) => {
    const result = verify('standard', { headers, body, secret });
    return result.kind === 'accepted' ? { kind: 'verified' } : { kind: 'refused', reason: result.message };
  },
  print: line => void process.stdout.write(`${line}\n`),
  clock: { nowMs: () => Date.now() },
});

const stop = (): void => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// Started by a parent that watches over it: without that parent nobody would ever stop this process.
if (process.send !== undefined) process.on('disconnect', stop);
// Nobody reads the lines any more; the page still shows what arrives.
process.stdout.on('error', () => undefined);

server.on('error', error => {
  process.stderr.write(`The demo receiver cannot listen on ${HOST}:${PORT}: ${error.message}\n`);
  process.exit(1);
});
server.listen(Number(PORT), HOST, () => {
  const { port } = server.address() as AddressInfo;
  if (process.send === undefined) process.stdout.write(`The demo receiver listens on http://${HOST}:${port}\n`);
  process.send?.({ kind: 'ready', port });
});
