import { z } from 'zod';
import { auditActions, auditActorTypes, auditResourceTypes } from '@signpost/delivery';
import { listOf, pageQuery, text, time, typeId } from './fields.ts';

export const auditEntrySchema = z
  .object({
    id: typeId('aud', 'Id of the entry.'),
    workspace_id: typeId('ws', 'The workspace, which may have been deleted since.').nullable(),
    actor: z
      .object({
        type: z.enum(auditActorTypes),
        id: typeId('key', 'The key.').nullable(),
        name: z.string().meta({ description: 'Name of the key, or of the process or command.' }),
      })
      .meta({ description: 'Who made the change. Only an `api_key` has an id.' }),
    action: z.enum(auditActions),
    resource: z
      .object({ type: z.enum(auditResourceTypes), id: z.string() })
      .meta({ description: 'What was changed; its id, or its name where it has none.' }),
    changes: z.record(z.string(), z.unknown()).meta({
      description:
        'Of an update, `{before, after}` of each field that changed; else the fields of what was made or is gone. Secrets, values of sensitive headers and of URL queries are left out.',
      override: { type: 'object', additionalProperties: {} },
    }),
    ip: z.string().nullable().meta({ description: 'Address that the call came from; null where there was no call.' }),
    user_agent: z.string().nullable(),
    request_id: z.string().nullable().meta({ description: '`X-Request-Id` of the answer to the call.' }),
    created_at: time,
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntryBody = z.infer<typeof auditEntrySchema>;

export const auditLogSchema = listOf(auditEntrySchema);

export const listAuditLogQuery = z.strictObject({
  ...pageQuery,
  action: z.enum(auditActions).optional(),
  actor_id: typeId('key', 'Only by this key.').optional(),
  resource_type: z.enum(auditResourceTypes).optional(),
  resource_id: text(256)
    .optional()
    .meta({ description: 'Only about what has this id or name.', example: 'wh_01jd3kq8e5f1x9a7m2c4v6b8n0' }),
  since: time.optional().meta({ description: 'At or after.' }),
  until: time.optional().meta({ description: 'Before.' }),
});
