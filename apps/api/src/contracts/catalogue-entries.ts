import type { ContractDocument } from '@signpost/contracts';
import type { CatalogueEntry } from '@signpost/database';

/** The event types that a contract brings to a workspace that chooses it. */
export function catalogueEntries({ event_types: eventTypes }: ContractDocument): CatalogueEntry[] {
  return eventTypes.map(({ name, description, schema, example }) => ({
    name,
    description,
    schema: JSON.stringify(schema),
    example: JSON.stringify(example),
  }));
}
