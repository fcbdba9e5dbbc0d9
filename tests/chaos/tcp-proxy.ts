import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between an app and a store, and makes the connections between them as bad as wanted. */
export interface TcpProxy {
  readonly port: number;
  /** Closes every connection; new ones are closed at once until {@link TcpProxy.heal}. */
  cut(): void;
  /** No byte gets through, in either direction, until {@link TcpProxy.heal}. */
  stall(): void;
  /** Requests get through, answers wait; {@link TcpProxy.heal} closes these connections without them. */
  swallow(): void;
  heal(): void;
  close(): Promise<void>;
}

type Mode = 'open' | 'cut' | 'stalled' | 'swallowing';

interface Pair {
  /** Towards the app. */
  readonly near: Socket;
  /** Towards the store. */
  readonly far: Socket;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let mode: Mode = 'open';
  const destroyAll = (): void => {
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  const pauseIn = ({ near, far }: Pair): void => {
    if (mode === 'stalled') near.pause();
    if (mode !== 'open') far.pause();
  };
  const server = createServer({ noDelay: true }, near => {
    if (mode === 'cut') {
      near.destroy();
      return;
    }
    const pair = { near, far: connect({ port: targetPort, host: '127.0.0.1', noDelay: true }) };
    pairs.add(pair);
    join(pair, () => pairs.delete(pair));
    pauseIn(pair);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      mode = 'cut';
      destroyAll();
    },
    stall() {
      mode = 'stalled';
      for (const pair of pairs) pauseIn(pair);
    },
    swallow() {
      mode = 'swallowing';
      for (const pair of pairs) pauseIn(pair);
    },
    heal() {
      if (mode === 'swallowing') destroyAll();
      mode = 'open';
      for (const { near, far } of pairs) {
        near.resume();
        far.resume();
      }
    },
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      destroyAll();
      await closed;
    },
  };
}

/** Written by hand and not piped: a pipe resumes a paused socket whenever it likes. */
function join({ near, far }: Pair, onClose: () => void): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on('data', chunk => {
      if (!to.destroyed) to.write(chunk);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      to.destroy();
      onClose();
    });
  }
}
