/** A piece of a parsed template. `path` is only filled for `{data.some.path}`. */
export type TemplateToken =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'placeholder'; readonly name: string; readonly path: readonly string[] };

export type ParsedTemplate =
  | { readonly kind: 'valid'; readonly tokens: readonly TemplateToken[] }
  | { readonly kind: 'invalid'; readonly message: string };

/** A member name that a `{data.…}` path may walk through. */
const PATH_SEGMENT = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const PLACEHOLDER = /^[a-z_]+(\.[a-z_]+)*$/;
const MAX_PATH_SEGMENTS = 8;

/**
 * Splits a template into literals and placeholders. Whether a placeholder exists is decided by the vocabulary, not here.
 *
 * @param source Text such as `t={timestamp},{signatures}`; a `{` always opens a placeholder and `}` closes it.
 * @returns The tokens in order, adjacent literals joined, or the reason why the text is no template.
 */
export function parseTemplate(source: string): ParsedTemplate {
  const tokens: TemplateToken[] = [];
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf('{', at);
    const literal = source.slice(at, open === -1 ? source.length : open);
    if (literal.includes('}')) return { kind: 'invalid', message: 'has a "}" without a "{" before it' };
    if (literal !== '') tokens.push({ kind: 'literal', text: literal });
    if (open === -1) break;
    const close = source.indexOf('}', open);
    if (close === -1) return { kind: 'invalid', message: 'has a "{" that is never closed' };
    const placeholder = parsePlaceholder(source.slice(open + 1, close));
    if (placeholder.kind === 'invalid') return placeholder;
    tokens.push(placeholder);
    at = close + 1;
  }
  return { kind: 'valid', tokens };
}

function parsePlaceholder(
  inner: string,
): (TemplateToken & { kind: 'placeholder' }) | { kind: 'invalid'; message: string } {
  if (inner.startsWith('data.')) {
    const path = inner.slice('data.'.length).split('.');
    if (path.length > MAX_PATH_SEGMENTS) {
      return { kind: 'invalid', message: `walks more than ${MAX_PATH_SEGMENTS} members deep in "{${inner}}"` };
    }
    if (!path.every(segment => PATH_SEGMENT.test(segment))) {
      return { kind: 'invalid', message: `has a path that is not member names joined by dots: "{${inner}}"` };
    }
    return { kind: 'placeholder', name: 'data', path };
  }
  if (!PLACEHOLDER.test(inner)) return { kind: 'invalid', message: `has "{${inner}}", which is not a placeholder` };
  return { kind: 'placeholder', name: inner, path: [] };
}
