import { type Generation, type Place, type SchemaNode, snakeName } from './generation.ts';
import { readTime, timeFor } from './times.ts';

const boundOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** What numbers of a name usually are, where no example shows it. */
const usual: readonly (readonly [RegExp, number, number])[] = [
  [/latitude|(^|_)lat$/, -60, 60],
  [/longitude|(^|_)(lng|lon)$/, -180, 180],
  [/amount|price|total|cost|fee|balance|revenue/, 500, 90_000],
  [/duration|seconds|elapsed/, 20, 900],
  [/score|percent|ratio|progress|interest/, 0, 100],
  [/year/, 2020, 2027],
  [/age$/, 18, 80],
  [/count|quantity|qty|size|guests|items|number_of/, 1, 12],
  [/_ms$|millis/, 50, 5000],
  [/(^|_)id$/, 1_000_000, 99_999_999],
];

/** A number within the schema's bounds, near the example's or of the size that the name suggests. */
export function makeNumber(
  generation: Generation,
  node: SchemaNode,
  example: number | undefined,
  place: Place,
  isInteger: boolean,
): number {
  const { faker, replaced } = generation;
  const time = readTime(example, place.name);
  if (time !== null) return Number(time.write(timeFor(generation, place)));
  const key = `${place.parent} ${example}`;
  const known = example !== undefined && Math.abs(example) >= 100 ? replaced.get(key) : undefined;
  const step = boundOf(node['multipleOf'], isInteger ? 1 : 0.01);
  const [low, high] = usualRange(place, example);
  const min = Math.max(boundOf(node['minimum'], -Infinity), boundOf(node['exclusiveMinimum'], -Infinity) + step);
  const max = Math.min(boundOf(node['maximum'], Infinity), boundOf(node['exclusiveMaximum'], Infinity) - step);
  // Where the usual range lies outside the bounds, the bounds count.
  const from = Math.max(low, min) <= Math.min(high, max) ? Math.max(low, min) : finite(min, max - 100 * step);
  const to = Math.max(low, min) <= Math.min(high, max) ? Math.min(high, max) : finite(max, min + 100 * step);
  const [first, last] = [Math.ceil(from / step - 1e-9), Math.floor(to / step + 1e-9)];
  if (first > last || !Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return example ?? finite(from, 0);
  const made = known ?? Number((faker.number.int({ min: first, max: last }) * step).toFixed(decimalsOf(step)));
  replaced.set(key, made);
  return Number(made);
}

function finite(value: number, otherwise: number): number {
  if (Number.isFinite(value)) return value;
  return Number.isFinite(otherwise) ? otherwise : 0;
}

function decimalsOf(step: number): number {
  return Number.isInteger(step) ? 0 : Math.min((String(step).split('.')[1] ?? '').length || 12, 12);
}

function usualRange({ name }: Place, example: number | undefined): readonly [number, number] {
  const words = snakeName(name);
  if (example === undefined) {
    const found = usual.find(([pattern]) => pattern.test(words));
    return found === undefined ? [1, 1000] : [found[1], found[2]];
  }
  const size = Math.abs(example);
  if (example === 0) return [0, words.endsWith('_ms') ? 0 : 5];
  // An id has as many digits as the example's.
  if (/(^|_)id$/.test(words) && size >= 1000)
    return [10 ** (Math.ceil(Math.log10(size)) - 1), 10 ** Math.ceil(Math.log10(size)) - 1];
  if (size < 10) return example > 0 ? [Math.min(1, example), example + 4] : [example - 4, -1];
  return [example - size * 0.5, example + size * 0.5];
}
