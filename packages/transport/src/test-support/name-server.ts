import { createSocket } from 'node:dgram';

/** What the name server says about one question. */
export type NameAnswer =
  | { readonly a?: readonly string[]; readonly status?: 'ok' | 'no_such_name' | 'server_failure' }
  | 'silence';

/** A DNS server (RFC 1035) on loopback that knows A records and how to fail. */
export interface NameServer {
  /** `ip:port` */
  readonly address: string;
  /** Names that were asked for, as they came. */
  readonly questions: readonly string[];
  close(): void;
}

const typeA = 1;
const statuses = { ok: 0, server_failure: 2, no_such_name: 3 } as const;

/** Starts a name server that answers each question with `answer(name)`. */
export async function startNameServer(answer: (name: string) => NameAnswer): Promise<NameServer> {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, sender) => {
    const { name, end } = readName(message);
    questions.push(name);
    const reply = answer(name);
    if (reply === 'silence') return;
    const question = message.subarray(12, end + 4);
    const records = message.readUInt16BE(end) === typeA ? (reply.a ?? []).map(recordA) : [];
    const header = Buffer.alloc(12);
    header.writeUInt16BE(message.readUInt16BE(0), 0);
    header.writeUInt16BE(0x8180 | statuses[reply.status ?? 'ok'], 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([header, question, ...records]), sender.port, sender.address);
  });
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${socket.address().port}`, questions, close: () => socket.close() };
}

function readName(message: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

/** A record of ten seconds that points back at the question's name. */
function recordA(address: string): Buffer {
  return Buffer.concat([
    Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 10, 0, 4]),
    Buffer.from(address.split('.').map(Number)),
  ]);
}
