/**
 * Whether the work of validating by a schema can grow faster than the data: references can visit the same data again and
 * again (twice each through `anyOf` and a chain of n references is 2^n), and a pattern can backtrack without end.
 */
export function isRiskySchema(schema: unknown): boolean {
  const open: unknown[] = [schema];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, member] of Object.entries(value)) {
      if (name === '$ref' || name === '$dynamicRef' || name === '$recursiveRef') return true;
      if (name === 'pattern' && typeof member === 'string' && !isLinearPattern(member)) return true;
      if (name === 'patternProperties' && !Object.keys(Object(member)).every(isLinearPattern)) return true;
      open.push(member);
    }
  }
  return false;
}

const group = /[(|]/;
const backReference = /\\[1-9k]/;
/** Those of variable length. */
const variableQuantifier = /[*+?]|\{\d+,\d*\}/g;
const count = /\{/;

/**
 * Whether a pattern obviously takes time in proportion to its subject: no groups and alternatives, and either nothing that
 * repeats; or, tied to the start, counts alone (`^[A-Z]{3}$`) or one part of variable length. A count that is not tied to
 * the start is tried from every character on: `a{30000}b` takes 30,000 steps for each. Says no to many harmless patterns; they
 * merely cost more to run.
 */
function isLinearPattern(pattern: string): boolean {
  if (group.test(pattern) || backReference.test(pattern)) return false;
  const variable = pattern.match(variableQuantifier)?.length ?? 0;
  const counted = count.test(pattern);
  if (!pattern.startsWith('^')) return variable === 0 && !counted;
  return variable === 0 || (variable === 1 && !counted);
}
