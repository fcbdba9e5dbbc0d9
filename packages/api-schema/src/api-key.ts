import { z } from 'zod';
import { apiKeyScopes } from '@signpost/delivery';
import { text, time, typeId } from './fields.ts';

const scopes = z
  .array(z.enum(apiKeyScopes))
  .min(1)
  .max(apiKeyScopes.length)
  .refine(list => new Set(list).size === list.length, 'must not name a scope twice')
  .meta({
    description: 'What the key may do; `admin` includes the others.',
    override: ({ jsonSchema }) => void (jsonSchema.uniqueItems = true),
  });

export const createApiKeySchema = z.strictObject({ name: text(100), scopes }).meta({ id: 'CreateApiKey' });

export const apiKeySchema = z
  .object({
    id: typeId('key', 'Id of the key.'),
    name: z.string(),
    scopes: z.array(z.enum(apiKeyScopes)),
    secret_hint: z.string().meta({ description: 'The last four characters of the secret.' }),
    created_at: time,
    revoked_at: time.nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKeyBody = z.infer<typeof apiKeySchema>;

export const createdApiKeySchema = apiKeySchema
  .extend({ secret: z.string().meta({ description: 'Shown here and never again.', example: 'sk_live_…' }) })
  .meta({ id: 'CreatedApiKey' });
