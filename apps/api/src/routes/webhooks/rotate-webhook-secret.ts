import { operations } from '@signpost/api-schema';
import { findWebhook, type RotationDecision, rotateWebhookSecret as rotate, type Webhook } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import { fieldsOf } from '../../audit/audit-changes.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, notFound, type Problem, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { chooseSecret, sealSecret } from './signing-secret.ts';

/** Each of them makes the signature header longer, and receivers read headers of a few KiB. */
const maxSigningSecrets = 10;

export const rotateWebhookSecret = ({ database, clock, encryption, contracts }: ApiDependencies) =>
  route(operations.rotateWebhookSecret, async ({ workspace, params, body, audit }) => {
    const id = parseId('webhook', params.id);
    if (id === null) return notFound();
    const { workspaceId } = workspace;
    const before = await findWebhook(database, workspaceId, id);
    const findContract = await contracts.load(workspace, [before?.contract]);
    const target = { workspaceId, webhookId: id, maxSigning: maxSigningSecrets };
    const made = { signingSecret: '', overlapEndsAtMs: 0 };
    const decide = (webhook: Webhook): RotationDecision<Problem> => {
      const contract = findContract(webhook.contract);
      if (contract === null)
        return { kind: 'refuse', refusal: invalidField('body', 'needs a webhook whose contract exists') };
      const chosen = chooseSecret(contract, body.secret);
      if (chosen.kind === 'problem') return { kind: 'refuse', refusal: chosen };
      made.signingSecret = chosen.text;
      const nowMs = clock.nowMs();
      // A contract that carries one signature has no overlap: the newest secret signs.
      const overlapSeconds = contract.canCarryTwoSignatures ? body.overlap_seconds : 0;
      if (overlapSeconds > 0) made.overlapEndsAtMs = nowMs + overlapSeconds * 1000;
      return { kind: 'rotate', secret: sealSecret(encryption, id, chosen.text, nowMs), overlapSeconds };
    };
    const result = await rotate<Problem>(database, target, decide, ({ overlapSeconds }) =>
      audit({
        action: 'webhook.secret_rotated',
        workspaceId,
        resourceId: params.id,
        changes: fieldsOf({ overlap_seconds: overlapSeconds }),
      }),
    );
    if (result.kind === 'missing') return notFound();
    if (result.kind === 'refused') return result.refusal;
    if (result.kind === 'too_many')
      return problem(
        'too_many_secrets',
        `${maxSigningSecrets} secrets of this webhook sign already. Wait until one has expired, or rotate with overlap_seconds 0, which ends all of them.`,
      );
    const overlap = made.overlapEndsAtMs > 0;
    return answer(200, {
      signing_secret: made.signingSecret,
      overlap,
      overlap_ends_at: overlap ? new Date(made.overlapEndsAtMs).toISOString() : null,
    });
  });
