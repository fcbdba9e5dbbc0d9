import { operations } from '@signpost/api-schema';
import { rotateWebhookSecret as rotate } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, notFound, type Problem, problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { chooseSecret, sealSecret } from './signing-secret.ts';
import { findContract } from './webhook-rules.ts';

/** Each of them makes the signature header longer, and receivers read headers of a few KiB. */
const maxSigningSecrets = 10;

export const rotateWebhookSecret = ({ database, clock, encryption }: ApiDependencies) =>
  route(operations.rotateWebhookSecret, async ({ workspace, params, body }) => {
    const id = parseId('webhook', params.id);
    if (id === null) return notFound();
    const target = { workspaceId: workspace.workspaceId, webhookId: id, maxSigning: maxSigningSecrets };
    let signingSecret = '';
    const result = await rotate<Problem>(database, target, webhook => {
      const contract = findContract(webhook.contract, workspace);
      if (contract === null)
        return { kind: 'refuse', refusal: invalidField('body', 'needs a webhook whose contract exists') };
      const chosen = chooseSecret(contract, body.secret);
      if (chosen.kind === 'problem') return { kind: 'refuse', refusal: chosen };
      signingSecret = chosen.text;
      return {
        kind: 'rotate',
        secret: sealSecret(encryption, id, chosen.text, clock.nowMs()),
        // A contract that carries one signature has no overlap: the newest secret signs.
        overlapSeconds: contract.canCarryTwoSignatures ? body.overlap_seconds : 0,
      };
    });
    if (result.kind === 'missing') return notFound();
    if (result.kind === 'refused') return result.refusal;
    if (result.kind === 'too_many')
      return problem(
        'too_many_secrets',
        `${maxSigningSecrets} secrets of this webhook sign already. Wait until one has expired, or rotate with overlap_seconds 0, which ends all of them.`,
      );
    return answer(200, { signing_secret: signingSecret });
  });
