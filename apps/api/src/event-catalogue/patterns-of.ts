/**
 * The event types, and every `prefix.*` that matches one of them, each once. Made one by one as they are asked for: there may
 * be hundreds of thousands, of which a suggestion looks at some.
 */
export function* patternsOf(names: Iterable<string>): Generator<string> {
  yield* names;
  const prefixes = new Set<string>();
  for (const name of names)
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const pattern = `${name.slice(0, dot)}.*`;
      if (prefixes.has(pattern)) continue;
      prefixes.add(pattern);
      yield pattern;
    }
}
