import { type Generation, isObject, type Place, snakeName } from './generation.ts';

/** A moment in one of the ways in which providers write it. */
export interface WrittenTime {
  readonly ms: number;
  /** The same way of writing for another moment. */
  readonly write: (ms: number) => string | number;
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const isoDate = /^\d{4}-\d\d-\d\d$/;
const timeName = /(^|_)(at|on|time|timestamp|ts|date|created|updated|start|end|check_(in|out)|due|expires)$/;

export const writeIsoSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
export const writeDate = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** @returns null where the value is no time: numbers are times only under a name that says so */
export function readTime(value: unknown, name: string): WrittenTime | null {
  if (typeof value === 'string') {
    const match = isoTime.exec(value);
    if (match !== null && !Number.isNaN(Date.parse(value)))
      return {
        ms: Date.parse(value),
        write: match[1] === undefined ? writeIsoSeconds : ms => new Date(ms).toISOString(),
      };
    if (isoDate.test(value)) return { ms: Date.parse(value), write: writeDate };
    if (/^\d{10}\.\d{6}$/.test(value))
      return {
        ms: Number(value) * 1000,
        write: ms => `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(6, '0')}`,
      };
    return null;
  }
  if (typeof value !== 'number' || !timeName.test(snakeName(name))) return null;
  if (value > 1e9 && value < 1e10) return { ms: value * 1000, write: ms => Math.floor(ms / 1000) };
  if (value > 1e12 && value < 1e13) return { ms: value, write: ms => Math.floor(ms) };
  return null;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const ahead = /scheduled|starts|ends|check_(in|out)|due|expires|appointment|renews|valid_until|eta/;
const early = /start|begin|began|opened|created|placed|signup|first|dialed/;

/** A moment that fits the name: appointments lie ahead, what began lies further back than what ended. */
export function timeFor({ faker, referenceMs, over }: Generation, { name }: Place): number {
  const words = snakeName(name);
  if (ahead.test(words)) {
    const isPast = over && /^(starts|ends)/.test(words);
    const days = faker.number.int({ min: 1, max: 30 }) * (isPast ? -1 : 1);
    // Appointments are in working hours.
    const quarter = faker.number.int({ min: 7 * 4, max: 17 * 4 });
    return (Math.floor(referenceMs / dayMs) + days) * dayMs + quarter * 15 * minuteMs;
  }
  if (early.test(words)) return referenceMs - faker.number.int({ min: 10 * minuteMs, max: 240 * minuteMs });
  return referenceMs - faker.number.int({ min: 500, max: 90_000 });
}

/** Puts times in their order, in the object and all below: an end follows its start by the duration that stands beside. */
export function alignTimes({ faker }: Pick<Generation, 'faker'>, value: unknown): void {
  if (Array.isArray(value)) for (const item of value) alignTimes({ faker }, item);
  if (!isObject(value)) return;
  const members = value as Record<string, unknown>;
  const durationMs = readDuration(members);
  for (const [startName, start] of Object.entries(members)) {
    const endName = endNameOf(startName);
    if (endName === null || !Object.hasOwn(members, endName)) continue;
    const [from, to] = [readTime(start, startName), readTime(members[endName], endName)];
    if (from === null || to === null) continue;
    if (durationMs !== null && !ahead.test(snakeName(startName)))
      members[startName] = from.write(Math.floor(to.ms / 1000) * 1000 - durationMs);
    else if (/check/i.test(startName))
      members[endName] = to.write(from.ms + faker.number.int({ min: 1, max: 14 }) * dayMs);
    else if (to.ms <= from.ms || ahead.test(snakeName(startName)))
      members[endName] = to.write(from.ms + faker.number.int({ min: 2, max: 12 }) * 15 * minuteMs);
  }
  for (const member of Object.values(members)) {
    if (Array.isArray(member)) alignOffsets(member, durationMs);
    alignTimes({ faker }, member);
  }
}

function endNameOf(name: string): string | null {
  const pairs = [
    [/started/, 'ended'],
    [/starts/, 'ends'],
    [/start/, 'end'],
    [/check_in/, 'check_out'],
    [/checkIn/, 'checkOut'],
    [/created/, 'updated'],
  ] as const;
  const pair = pairs.find(([start]) => start.test(name));
  return pair === undefined ? null : name.replace(pair[0], pair[1]);
}

function readDuration(members: Readonly<Record<string, unknown>>): number | null {
  const found = Object.entries(members).find(
    ([name, value]) => typeof value === 'number' && /^duration(_|$)/.test(snakeName(name)),
  );
  if (found === undefined) return null;
  const [name, value] = found as [string, number];
  const unitMs = /_(ms|milliseconds)$/.test(snakeName(name))
    ? 1
    : /_min(ute)?s$/.test(snakeName(name))
      ? minuteMs
      : 1000;
  return Math.round(value * unitMs);
}

/** Offsets within a recording rise from item to item and stay within its length. */
function alignOffsets(items: readonly unknown[], durationMs: number | null): void {
  const lines = items.filter(isObject) as Record<string, unknown>[];
  const name = Object.keys(lines[0] ?? {}).find(each => /^(timestamp|offset|start|time)_ms$/.test(snakeName(each)));
  if (name === undefined) return;
  const offsets = lines.flatMap(line => (typeof line[name] === 'number' ? [line[name]] : [])).toSorted((a, b) => a - b);
  if (offsets.length !== lines.length) return;
  const last = offsets.at(-1) ?? 0;
  const scale = durationMs !== null && last > durationMs ? durationMs / last : 1;
  for (const [index, line] of lines.entries()) line[name] = Math.floor((offsets[index] ?? 0) * scale);
}
