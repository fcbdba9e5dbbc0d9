import type { ApiKeyBody } from '@signpost/api-schema';
import type { ApiKey } from '@signpost/database';
import { formatId } from '@signpost/runtime';

export function apiKeyBody({ id, name, scopes, secretHint, createdAt, revokedAt }: ApiKey): ApiKeyBody {
  return {
    id: formatId('apiKey', id),
    name,
    scopes: [...scopes],
    secret_hint: secretHint,
    created_at: createdAt.toISOString(),
    revoked_at: revokedAt?.toISOString() ?? null,
  };
}
