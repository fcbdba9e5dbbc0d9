import type { AttemptOutcome } from '@signpost/delivery';
import { createAddressPolicy } from '../address-policy.ts';
import { createTransport } from '../transport.ts';

/** A process that sends one POST to each URL of its command line and prints the outcomes as JSON. */
const policy = createAddressPolicy({ allowHttp: true, allowedPrivateRanges: ['127.0.0.0/8', '::1'] });
const transport = createTransport({ policy });
const outcomes: AttemptOutcome[] = [];
for (const url of process.argv.slice(2)) {
  outcomes.push(await transport.send({ url, method: 'POST', headers: {}, body: Buffer.from('{}'), timeoutMs: 10_000 }));
}
await transport.close();
process.stdout.write(JSON.stringify(outcomes));
