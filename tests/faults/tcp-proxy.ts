import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What becomes of bytes that are on their way: `drop` loses them, and every later byte of that direction. */
export type Verdict = 'pass' | 'drop';

export interface PassingBytes {
  /** Tells connections apart: the same object for the same connection. */
  readonly connection: object;
  readonly from: 'client' | 'server';
  readonly bytes: Buffer;
}

/** Stands on loopback before a server, so that a test can cut or redirect connections at a moment of its choice. */
export interface TcpProxy {
  readonly port: number;
  /** Cuts every connection; from now on they lead to another port of 127.0.0.1. */
  pointTo(port: number): void;
  /** Resets every connection; new ones are taken. */
  cutAll(): void;
  /** Shows every chunk before it is passed on; null ends that. */
  watch(look: ((passing: PassingBytes) => Verdict) | null): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let target = targetPort;
  let look: ((passing: PassingBytes) => Verdict) | null = null;
  const sockets = new Set<Socket>();

  const pipe = (source: Socket, sink: Socket, connection: object, from: 'client' | 'server'): void => {
    let lost = false;
    sockets.add(source);
    source.setNoDelay(true);
    source.on('data', (bytes: Buffer) => {
      lost ||= look?.({ connection, from, bytes }) === 'drop';
      if (!lost && !sink.write(bytes)) source.pause();
    });
    sink.on('drain', () => source.resume());
    source.on('error', () => {});
    source.on('close', () => {
      sockets.delete(source);
      sink.destroy();
    });
  };
  const server = createServer(client => {
    const upstream = connect(target, '127.0.0.1');
    const connection = {};
    pipe(client, upstream, connection, 'client');
    pipe(upstream, client, connection, 'server');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const cutAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cutAll,
    pointTo(port) {
      target = port;
      cutAll();
    },
    watch(next) {
      look = next;
    },
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      cutAll();
      await closed;
    },
  };
}
