const maxShownLength = 200;

/**
 * Where a header of an answer points, without what may be a secret: user name, password, query and fragment.
 *
 * @returns null where it points nowhere that is worth showing
 */
export function shownLocation(location: string): string | null {
  // Several in one: a password of the second would pass for a part of the first one's path.
  if (location.includes(', ')) return null;
  const own = 'own-origin.invalid';
  const url = URL.parse(location, `https://${own}/`);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  const shown = url.hostname === own ? url.pathname : `${url.origin}${url.pathname}`;
  return shown.length > maxShownLength ? `${shown.slice(0, maxShownLength)}…` : shown;
}

/** A header `Refresh` in the same way: its seconds, and where it points (`5; url=…`). */
export function shownRefresh(refresh: string): string | null {
  const [, seconds = null, target] = /^([\d.]*)[;,](.*)$/.exec(refresh) ?? [];
  if (seconds === null) return /^[\d.]*$/.test(refresh) ? refresh : null;
  const shown = shownLocation((target ?? '').replace(/^\s*(url\s*=)?\s*["']?/i, '').replace(/["']$/, ''));
  return shown === null ? null : `${seconds}; url=${shown}`;
}
