import type { PublishEventBody } from '@signpost/api-schema';
import type { WorkspaceAccess } from '@signpost/database';
import { type Problem, problem } from '../../errors/problem.ts';
import type { EventCatalogue } from '../../event-catalogue/event-catalogue.ts';
import { schemasRest } from '../../event-catalogue/schemas-rest.ts';

/**
 * Holds an event against its workspace's event types.
 *
 * @param dataBytes size of the data's JSON text
 * @param suggest whether an unknown event type is answered with the nearest: that takes time
 * @param place where the event stands in the request: `body`, `body.events[3]`
 * @returns why it is refused, or null
 */
export async function checkAgainstCatalogue(
  catalogue: EventCatalogue,
  { workspaceId, catalogueRevision }: WorkspaceAccess,
  { event_type, data }: PublishEventBody,
  { dataBytes, place, suggest }: { readonly dataBytes: number; readonly place: string; readonly suggest: boolean },
): Promise<Problem | null> {
  const verdict = await catalogue.check(workspaceId, catalogueRevision, event_type, data, dataBytes);
  if (verdict.kind === 'accepted') return null;
  if (verdict.kind === 'data_invalid') {
    const errors = verdict.errors.map(({ path, message }) => ({ path: `${place}.${path}`, message }));
    const [first] = errors;
    return problem('event_data_invalid', `${first?.path}: ${first?.message}`, { errors });
  }
  if (verdict.kind === 'schema_resting') return schemasRest(verdict.restMs);
  const nearest = suggest ? verdict.findNearest() : null;
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
  const message = `is not an event type of this workspace${hint}`;
  const path = `${place}.event_type`;
  return problem('event_type_unknown', `${path}: ${message}`, { errors: [{ path, message }] });
}
