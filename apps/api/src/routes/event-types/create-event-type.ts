import { operations } from '@signpost/api-schema';
import { insertEventType } from '@signpost/database';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { eventTypeFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { checkSchema, eventTypeBody, toJsonText } from './event-type-body.ts';

export const createEventType = ({ database, access, eventCatalogue }: ApiDependencies) =>
  route(operations.createEventType, async ({ workspace: { workspaceId }, body, audit }) => {
    const { name, description = null, schema, example } = body;
    const refused = checkSchema(schema, example, eventCatalogue.timeOf(workspaceId));
    if (refused !== null) return refused;
    const fields = { description, schema: toJsonText(schema) ?? null, example: toJsonText(example) ?? null };
    const eventType = await insertEventType(database, workspaceId, name, fields, made =>
      audit({
        action: 'event_type.created',
        workspaceId,
        resourceId: name,
        changes: fieldsOf(eventTypeFacts(made)),
      }),
    );
    if (eventType === null) return problem('conflict', `There is an event type ${name}.`);
    access.forget();
    return answer(201, eventTypeBody(eventType));
  });
