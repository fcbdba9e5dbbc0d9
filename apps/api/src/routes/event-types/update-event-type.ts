import { operations } from '@signpost/api-schema';
import { findEventType, updateEventType as update } from '@signpost/database';
import { differencesOf } from '../../audit/audit-changes.ts';
import { eventTypeFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { checkSchema, eventTypeBody, toJsonText } from './event-type-body.ts';

export const updateEventType = ({ database, access, eventCatalogue }: ApiDependencies) =>
  route(operations.updateEventType, async ({ workspace: { workspaceId }, params: { name }, body, audit }) => {
    const before = await findEventType(database, workspaceId, name);
    if (before === null) return notFound();
    // What is not given stays, and must still fit what is.
    const { schema = before.schema, example = before.example } = body;
    const unchanged = body.schema === undefined && body.example === undefined;
    const refused = unchanged ? null : checkSchema(schema, example, eventCatalogue.timeOf(workspaceId));
    if (refused !== null) return refused;
    const fields = {
      description: body.description,
      schema: toJsonText(body.schema),
      example: toJsonText(body.example),
    };
    const after = await update(database, workspaceId, name, fields, change =>
      audit({
        action: 'event_type.updated',
        workspaceId,
        resourceId: name,
        changes: differencesOf(eventTypeFacts(change.before), eventTypeFacts(change.after)),
      }),
    );
    access.forget();
    return after === null ? notFound() : answer(200, eventTypeBody(after));
  });
