// A receiver on Fastify. Run it with the contract and the secret of the webhook:
//
//   CONTRACT=stripe WEBHOOK_SECRET=whsec_… PORT=8080 node examples/receivers/fastify.ts
import { type BuiltInContractName, type RefusalReason, verify } from '@signpost/contracts/verify';
import { fastify } from 'fastify';

const contract = (process.env['CONTRACT'] ?? 'standard') as BuiltInContractName;
/** Several, separated by spaces, while a secret is being rotated. */
const secrets = (process.env['WEBHOOK_SECRET'] ?? '').split(' ').filter(secret => secret !== '');

/** Here this receiver itself is set up wrongly. 500 makes the sender try again, when it may be right. */
const ownFaults: ReadonlySet<RefusalReason> = new Set(['contract_unknown', 'secret_malformed', 'body_not_raw']);

const app = fastify({ bodyLimit: 1024 * 1024 });

// In a plugin of its own, so that other routes keep their JSON parser.
await app.register(async webhooks => {
  webhooks.removeAllContentTypeParsers();
  // The bytes as they came: what a JSON parser writes anew is not what was signed.
  webhooks.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  webhooks.route({
    method: ['POST', 'PUT', 'PATCH'],
    url: '/webhooks',
    handler: async (request, reply) => {
      const body = (request.body ?? Buffer.alloc(0)) as Buffer;
      const result = verify(contract, { headers: request.headers, body, secrets });
      if (result.kind === 'refused') {
        console.log(`refused: ${result.reason}`);
        return reply.code(ownFaults.has(result.reason) ? 500 : 401).send();
      }
      // Put it into a queue or a table here, and answer: the work itself comes afterwards.
      console.log(`accepted: ${body.toString('utf8')}`);
      return reply.code(204).send();
    },
  });
});

console.log(
  `listening on ${await app.listen({ port: Number(process.env['PORT'] ?? 8080), host: '127.0.0.1' })}/webhooks`,
);
