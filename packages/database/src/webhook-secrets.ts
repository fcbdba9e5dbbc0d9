import type { PoolClient } from 'pg';

/** A secret as it is stored: sealed under `webhookSecretContext`. */
export interface NewWebhookSecret {
  /** UUIDv7: newer ones sign first. */
  readonly id: string;
  readonly sealed: Buffer;
  /** Which encryption key sealed it. */
  readonly keyId: string;
}

/** A secret that signs now. */
export interface SigningSecret {
  readonly sealed: Buffer;
  readonly keyId: string;
}

/** The secrets of a webhook that sign now, newest first. */
export async function listSigningSecrets(client: PoolClient, webhookId: string): Promise<SigningSecret[]> {
  const { rows } = await client.query<SigningSecret>(
    `select sealed, key_id as "keyId" from webhook_secrets
     where webhook_id = $1 and (expires_at is null or expires_at > clock_timestamp()) order by id desc`,
    [webhookId],
  );
  return rows;
}
