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
const variableQuantifier = /[*+?]|\{\d+,\d*\}/g;

/**
 * Whether a pattern obviously takes time in proportion to its subject: no groups and alternatives, and at most one part of
 * variable length in a pattern that is tied to the start. Says no to many harmless ones; they merely cost more to run.
 */
function isLinearPattern(pattern: string): boolean {
  if (group.test(pattern) || backReference.test(pattern)) return false;
  const variable = pattern.match(variableQuantifier)?.length ?? 0;
  return variable === 0 || (variable === 1 && pattern.startsWith('^'));
}
