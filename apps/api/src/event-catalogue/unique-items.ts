/** Whether no two items are equal as JSON values, in one pass. */
export function hasUniqueItems(items: readonly unknown[]): boolean {
  return new Set(items.map(canonicalText)).size === items.length;
}

/** JSON text with sorted names: equal values have equal texts. */
function canonicalText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`);
  return `{${members.toSorted((a, b) => (a < b ? -1 : 1)).join(',')}}`;
}
