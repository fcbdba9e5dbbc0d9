import { createSocket } from 'node:dgram';

/** What the name server says about one question. */
export type NameAnswer =
  | {
      readonly a?: readonly string[];
      readonly aaaa?: readonly string[];
      /** Alias records, each from one name to another, whatever was asked for. */
      readonly aliases?: readonly (readonly [from: string, to: string])[];
      readonly status?: keyof typeof statuses;
      /** The answer has the id of another question, as a forged one. */
      readonly isForged?: boolean;
      /** The answer says that there is more, over TCP. */
      readonly isTruncated?: boolean;
    }
  | Buffer
  | 'silence';

/** A DNS server (RFC 1035) on loopback that knows A, AAAA and CNAME records and how to fail. */
export interface NameServer {
  /** `ip:port` */
  readonly address: string;
  /** Names that were asked for, as they came. */
  readonly questions: readonly string[];
  close(): void;
}

const recordTypes = { a: 1, cname: 5, aaaa: 28 } as const;
const statuses = { ok: 0, server_failure: 2, no_such_name: 3, refused: 5 } as const;

/** Starts a name server that answers each question with `answer(name, type)`. Bytes are sent behind the question's id. */
export async function startNameServer(answer: (name: string, type: 'a' | 'aaaa') => NameAnswer): Promise<NameServer> {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, sender) => {
    const { name, end } = readName(message);
    questions.push(name);
    const type = message.readUInt16BE(end) === recordTypes.aaaa ? 'aaaa' : 'a';
    const reply = answer(name, type);
    if (reply === 'silence') return;
    const bytes = Buffer.isBuffer(reply)
      ? Buffer.concat([message.subarray(0, 2), reply])
      : replyTo(message.readUInt16BE(0), message.subarray(12, end + 4), name, type, reply);
    socket.send(bytes, sender.port, sender.address);
  });
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${socket.address().port}`, questions, close: () => socket.close() };
}

function replyTo(
  id: number,
  question: Buffer,
  name: string,
  type: 'a' | 'aaaa',
  answer: Exclude<NameAnswer, Buffer | string>,
): Buffer {
  const addresses = (answer[type] ?? []).map(address =>
    record(name, recordTypes[type], type === 'a' ? bytesOfIpv4(address) : bytesOfIpv6(address)),
  );
  const aliases = (answer.aliases ?? []).map(([from, to]) => record(from, recordTypes.cname, encodedName(to)));
  const header = Buffer.alloc(12);
  header.writeUInt16BE(answer.isForged === true ? id ^ 0xffff : id, 0);
  header.writeUInt16BE(0x8180 | (answer.isTruncated === true ? 0x200 : 0) | statuses[answer.status ?? 'ok'], 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length + aliases.length, 6);
  return Buffer.concat([header, question, ...aliases, ...addresses]);
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

/** A record that is good for ten seconds. */
function record(name: string, type: number, data: Buffer): Buffer {
  return Buffer.concat([encodedName(name), Buffer.from([0, type, 0, 1, 0, 0, 0, 10, 0, data.length]), data]);
}

function encodedName(name: string): Buffer {
  const labels = name.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function bytesOfIpv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

/** Of the full form or `::x`, which is all that the tests use. */
function bytesOfIpv6(address: string): Buffer {
  const groups = address.replace(/^::/, '0:0:0:0:0:0:0:').split(':');
  return Buffer.from(groups.map(group => group.padStart(4, '0')).join(''), 'hex');
}
