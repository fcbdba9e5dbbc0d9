// The receiver: as cheap as one can be, so that it measures the sender. HTTP/1.1 by hand on bare sockets; each request is
// answered with 204, and its event and webhook are ticked off.
import { createServer, type AddressInfo } from 'node:net';
import { serveCommands } from './bench-process.ts';
import type { ReceiverCommands } from './commands.ts';
import { type PublishedRequest, readRequests } from './published-request.ts';
import { percentiles } from './statistics.ts';

const answer = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
let events = 0;
let webhooks = 0;
let seen = new Uint8Array(0);
let latenciesMs = new Float64Array(0);
let received = 0;
let duplicates = 0;
let strangers = 0;
let lastArrivalUs = 0;

function tickOff({ webhook, sequence, sentAtUs }: PublishedRequest, arrivalUs: number): void {
  if (!(webhook < webhooks && sequence < events)) {
    strangers += 1;
    return;
  }
  const place = webhook * events + sequence;
  if (seen[place] === 1) {
    duplicates += 1;
    return;
  }
  seen[place] = 1;
  latenciesMs[received] = (arrivalUs - sentAtUs) / 1000;
  received += 1;
  lastArrivalUs = arrivalUs;
}

const server = createServer({ noDelay: true }, socket => {
  readRequests(socket, (request, arrivalUs) => {
    if (request === null) {
      strangers += 1;
      return;
    }
    tickOff(request, arrivalUs);
    socket.write(answer);
  });
});

server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  serveCommands<ReceiverCommands>((server.address() as AddressInfo).port, {
    expect(input) {
      ({ events, webhooks } = input);
      seen = new Uint8Array(events * webhooks);
      latenciesMs = new Float64Array(events * webhooks);
      received = 0;
      duplicates = 0;
      strangers = 0;
      return null;
    },
    progress: () => ({ received }),
    results: () => ({
      received,
      duplicates,
      strangers,
      lastArrivalUs,
      latencyMs: percentiles(latenciesMs.subarray(0, received)),
    }),
  });
});
