import { createServer } from 'node:net';
import { StartFailure } from './start-failure.ts';

const HIGHEST_PORT = 65_535;
const PORTS_TO_TRY = 100;

/** True if nobody listens on this port of 127.0.0.1 at this moment. */
function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** The first free port from `preferred` on. */
export async function nextFreePort(preferred: number): Promise<number> {
  for (let port = preferred; port < Math.min(preferred + PORTS_TO_TRY, HIGHEST_PORT); port += 1) {
    if (await isFree(port)) return port;
  }
  throw new StartFailure(`None of the ports from ${preferred} on is free: set PORT to one that is.`);
}

/**
 * The port to serve the API on. One that was asked for is taken or refused; the default gives way to the next free one.
 *
 * @param asked the text of PORT; 0 lets the system choose
 */
export async function apiPort(asked: string | undefined, preferred: number): Promise<number> {
  if (asked === undefined || asked === '') return nextFreePort(preferred);
  const port = Number(asked);
  if (!/^\d+$/.test(asked) || port > HIGHEST_PORT)
    throw new StartFailure(`PORT is "${asked}": set it to a number from 0 (any free port) to ${HIGHEST_PORT}.`);
  if (port !== 0 && !(await isFree(port)))
    throw new StartFailure(`Port ${port} is taken: stop what listens there, or set PORT to another one.`);
  return port;
}
