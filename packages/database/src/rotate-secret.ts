import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';
import { listSigningSecrets, type NewWebhookSecret } from './webhook-secrets.ts';
import { lockWebhook, raiseRevisionSql, type Webhook } from './webhooks.ts';

/** What a rotation does, decided while the webhook's row is locked. */
export type RotationDecision<Refusal> =
  | {
      readonly kind: 'rotate';
      readonly secret: NewWebhookSecret;
      /** How long the secrets that sign now go on signing, at most; 0: not at all. */
      readonly overlapSeconds: number;
    }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

export type RotationResult<Refusal> =
  | { readonly kind: 'rotated' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** As many secrets as allowed would sign already; nothing was changed. */
  | { readonly kind: 'too_many' }
  | { readonly kind: 'missing' };

export interface RotationTarget {
  readonly workspaceId: string;
  readonly webhookId: string;
  /** How many secrets may sign at the same time, the new one included. */
  readonly maxSigning: number;
}

/**
 * Gives a webhook a new secret. Those that sign now go on for the overlap, but none longer than an earlier rotation said;
 * expired ones are deleted.
 *
 * @param decide makes the secret in the form of the webhook's contract; must not wait for anything
 */
export async function rotateWebhookSecret<Refusal>(
  database: Database,
  { workspaceId, webhookId, maxSigning }: RotationTarget,
  decide: (webhook: Webhook) => RotationDecision<Refusal>,
  audit: AuditOf<[{ readonly overlapSeconds: number }]>,
): Promise<RotationResult<Refusal>> {
  return inTransaction<RotationResult<Refusal>>(database, async client => {
    const webhook = await lockWebhook(client, workspaceId, webhookId);
    if (webhook === null) return { kind: 'missing' };
    const decision = decide(webhook);
    if (decision.kind === 'refuse') return { kind: 'refused', refusal: decision.refusal };
    const { secret, overlapSeconds } = decision;
    const signing = overlapSeconds === 0 ? 0 : (await listSigningSecrets(client, webhookId)).length;
    if (signing >= maxSigning) return { kind: 'too_many' };
    await client.query(
      `delete from webhook_secrets where webhook_id = $1 and ($2 = 0 or expires_at <= clock_timestamp())`,
      [webhookId, overlapSeconds],
    );
    await client.query(
      `update webhook_secrets set expires_at = least(expires_at, clock_timestamp() + $2 * interval '1 second')
       where webhook_id = $1`,
      [webhookId, overlapSeconds],
    );
    await client.query('insert into webhook_secrets (id, webhook_id, sealed, key_id) values ($1, $2, $3, $4)', [
      secret.id,
      webhookId,
      secret.sealed,
      secret.keyId,
    ]);
    await client.query('update webhooks set version = version + 1, updated_at = now() where id = $1', [webhookId]);
    await client.query(`${raiseRevisionSql} where id = $1`, [workspaceId]);
    await insertAuditEntry(client, audit({ overlapSeconds }));
    return { kind: 'rotated' };
  });
}
