import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Where the time of the newest profile in the folder went: lines of "share, name", by package and by function. */
export function summarizeProfile(dir: string): { file: string; packages: string[]; functions: string[] } {
  const name = readdirSync(dir)
    .filter(each => each.endsWith('.cpuprofile'))
    .sort()
    .at(-1);
  if (name === undefined) throw new Error(`There is no profile in ${dir}`);
  const file = path.join(dir, name);
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const frames = new Map(nodes.map(node => [node.id, node.callFrame]));
  const byPackage = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busyUs = 0;
  for (const [index, sample] of samples.entries()) {
    const frame = frames.get(sample);
    if (frame === undefined || frame.functionName === '(idle)') continue;
    const us = timeDeltas[index] as number;
    busyUs += us;
    const place = placeOf(frame.url);
    const owner = place === '' ? frame.functionName || '(anonymous)' : ownerOf(place);
    byPackage.set(owner, (byPackage.get(owner) ?? 0) + us);
    const fn = `${frame.functionName || '(anonymous)'} ${place === '' ? '' : `${place}:${frame.lineNumber + 1}`}`;
    byFunction.set(fn, (byFunction.get(fn) ?? 0) + us);
  }
  return { file, packages: top(byPackage, busyUs, 15), functions: top(byFunction, busyUs, 25) };
}

function placeOf(url: string): string {
  return url
    .replace(/^file:\/\//, '')
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/(?=(apps|packages)\/)/, '');
}

/** `packages/queue`, `@scope/name`, `node:net`, `bullmq` */
function ownerOf(place: string): string {
  const parts = place.split('/');
  return parts.slice(0, /^(@|apps$|packages$)/.test(parts[0] as string) ? 2 : 1).join('/');
}

function top(shares: ReadonlyMap<string, number>, total: number, count: number): string[] {
  return [...shares]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, us]) => `${((us / total) * 100).toFixed(1).padStart(5)} %  ${name}`);
}
