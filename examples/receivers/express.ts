// A receiver on Express. Run it with the contract and the secret of the webhook:
//
//   CONTRACT=standard WEBHOOK_SECRET=whsec_… PORT=8080 node examples/receivers/express.ts
import type { AddressInfo } from 'node:net';
import { type BuiltInContractName, type RefusalReason, verify } from '@signpost/contracts/verify';
import express from 'express';

const contract = (process.env['CONTRACT'] ?? 'standard') as BuiltInContractName;
/** Several, separated by spaces, while a secret is being rotated. */
const secrets = (process.env['WEBHOOK_SECRET'] ?? '').split(' ').filter(secret => secret !== '');

/** Here this receiver itself is set up wrongly. 500 makes the sender try again, when it may be right. */
const ownFaults: ReadonlySet<RefusalReason> = new Set(['contract_unknown', 'secret_malformed', 'body_not_raw']);

const app = express();

// `express.raw` keeps the bytes as they came: what a JSON parser writes anew is not what was signed. It stands before the
// route alone, so that other routes may have their parser.
app.use('/webhooks', express.raw({ type: () => true, limit: '1mb' }), (request, response) => {
  const body: Buffer = request.body ?? Buffer.alloc(0);
  const result = verify(contract, { headers: request.headers, body, secrets });
  if (result.kind === 'refused') {
    console.log(`refused: ${result.reason}`);
    response.sendStatus(ownFaults.has(result.reason) ? 500 : 401);
    return;
  }
  // Put it into a queue or a table here, and answer: the work itself comes afterwards.
  console.log(`accepted: ${body.toString('utf8')}`);
  response.sendStatus(204);
});

const server = app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`);
});
