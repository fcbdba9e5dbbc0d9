import { idRange, type IdRange } from '@signpost/database';

/**
 * What a list's `since` and `until` mean for ids, which carry the time.
 *
 * @param query ISO 8601 times, validated
 */
export function timeRange({ since, until }: { readonly since?: string; readonly until?: string }): IdRange {
  return idRange(since === undefined ? null : Date.parse(since), until === undefined ? null : Date.parse(until));
}
