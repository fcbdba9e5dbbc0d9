// Preloaded into a process (`NODE_OPTIONS=--import=…`) whose wall clock shall be wrong: by CLOCK_SHIFT_MS from the start.
// The monotonic clock goes on as it does when somebody sets the time of a host.
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
const RealDate = Date;
const realNow = Date.now;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(realNow() + shiftMs);
    else super(...parts);
  }

  static now() {
    return realNow() + shiftMs;
  }
};
