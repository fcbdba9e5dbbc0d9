import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What one request looked like. */
export interface RawRequest {
  readonly head: string;
  readonly body: string;
  /** Connection that it came on, counted from 1. */
  readonly connection: number;
}

/** A receiver that answers in bytes, so that it can answer anything. */
export interface RawReceiver {
  readonly port: number;
  readonly url: string;
  readonly requests: readonly RawRequest[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: ReadonlySet<Socket>;
  /** Settles when no connection is open. */
  allClosed(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Listens on loopback.
 *
 * @param answer called with every complete request; whatever it writes is the answer
 * @param onConnection called with every new connection, before anything is read from it
 */
export async function startRawReceiver(
  answer: (socket: Socket, request: RawRequest) => void,
  onConnection: (socket: Socket) => void = () => undefined,
): Promise<RawReceiver> {
  const requests: RawRequest[] = [];
  const open = new Set<Socket>();
  const waiting: (() => void)[] = [];
  let connections = 0;
  const server = createServer({ noDelay: true }, socket => {
    connections += 1;
    const connection = connections;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      open.delete(socket);
      if (open.size === 0) for (const done of waiting.splice(0)) done();
    });
    onConnection(socket);
    readRequests(socket, (head, body) => {
      const request = { head, body, connection };
      requests.push(request);
      answer(socket, request);
    });
  });
  const port = await listen(server);
  return {
    port,
    url: `http://127.0.0.1:${port}/hook`,
    requests,
    get connections() {
      return connections;
    },
    open,
    allClosed: () =>
      new Promise(resolve => {
        if (open.size === 0) resolve();
        else waiting.push(resolve);
      }),
    close: () =>
      new Promise(resolve => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Binds to a free port of 127.0.0.1 and returns it. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function readRequests(socket: Socket, onRequest: (head: string, body: string) => void): void {
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
    for (;;) {
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = received.slice(0, end);
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      const body = received.slice(end + 4, end + 4 + length);
      received = received.slice(end + 4 + length);
      onRequest(head, body);
    }
  });
}
