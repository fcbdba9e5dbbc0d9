// Loaded into a dispatcher by NODE_OPTIONS=--import: makes its clock wrong by as many milliseconds as the file named by
// CHAOS_CLOCK_FILE says. What counts on from a moment (performance.now, timers) stays right, as on a machine whose clock
// is set.
import { readFileSync } from 'node:fs';

const file = process.env.CHAOS_CLOCK_FILE;
const pollMs = 100;

if (file !== undefined) {
  const RealDate = Date;
  let shiftMs = 0;
  const read = (): void => {
    try {
      shiftMs = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      // It is just being written, or the run has ended: as it was.
    }
  };
  read();
  setInterval(read, pollMs).unref();
  const now = (): number => RealDate.now() + shiftMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: target => new target(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
}
