import type { AgentBody } from '@signpost/api-schema';
import type { Webhook } from '@signpost/database';
import { formatId } from '@signpost/runtime';

/** @param webhook null: the agent has none */
export function agentBody(id: string, webhook: Webhook | null): AgentBody {
  return {
    id,
    webhook_url: webhook?.url ?? null,
    webhook_id: webhook === null ? null : formatId('webhook', webhook.id),
    contract: webhook?.contract ?? null,
    active: webhook?.active ?? false,
  };
}
