import { operations } from '@signpost/api-schema';
import { standardContract } from '@signpost/contracts';
import {
  cancelPendingDeliveries,
  changeWebhook,
  deleteWebhook,
  findBoundWebhook,
  insertWebhook,
  type Webhook,
} from '@signpost/database';
import { formatId, makeUuid } from '@signpost/runtime';
import { differencesOf, type Facts, fieldsOf } from '../../audit/audit-changes.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { type Problem, problem } from '../../errors/problem.ts';
import { type Answer, answer } from '../../middleware/write-answer.ts';
import { type RequestContext, route } from '../../routing.ts';
import { chooseSecret, sealSecret } from '../webhooks/signing-secret.ts';
import { judgeSettings } from '../webhooks/webhook-rules.ts';
import { agentBody } from './agent-body.ts';

/** Others may make and remove the webhook between two looks; more often than this in one call, they do nothing else. */
const maxLooks = 5;

/**
 * The webhook is looked for and then made or changed. Where another call was faster, the unique index of bound webhooks
 * or the missing row tells, and it is looked for again.
 */
export const setAgent = (dependencies: ApiDependencies) =>
  route(operations.setAgent, async context => {
    const { id } = context.params;
    const { webhook_url: url } = context.body;
    for (let look = 0; look < maxLooks; look += 1) {
      const current = await findBoundWebhook(dependencies.database, context.workspace.workspaceId, id);
      const done =
        url === null
          ? await removeUrl(dependencies, context, current)
          : current === null
            ? await makeBoundWebhook(dependencies, context, url)
            : await changeUrl(dependencies, context, current, url);
      if (done !== null) return done;
    }
    return problem('conflict', `The webhook of ${id} is being changed by others at this moment; repeat the call.`);
  });

type Done = Answer | Problem | null;
type Context = RequestContext<typeof operations.setAgent>;

/** What entries tell of an agent. */
const agentFacts = (webhook: Webhook): Facts => ({
  webhook_url: webhook.url,
  webhook_id: formatId('webhook', webhook.id),
  contract: webhook.contract,
  active: webhook.active,
});

async function removeUrl(
  { database }: ApiDependencies,
  { workspace: { workspaceId }, params: { id }, audit }: Context,
  current: Webhook | null,
): Promise<Done> {
  if (current === null) return answer(200, agentBody(id, null));
  const removed = await deleteWebhook(database, workspaceId, current.id, gone =>
    audit({ action: 'agent.deleted', workspaceId, resourceId: id, changes: fieldsOf(agentFacts(gone)) }),
  );
  if (!removed) return null;
  await cancelPendingDeliveries(database, current.id);
  return answer(200, agentBody(id, null));
}

/**
 * This form of registering is Nixflex's, and so is the contract, unless the workspace chose one for itself: the standard
 * contract is what a workspace has that chose none.
 *
 * @returns null where the agent has a webhook by now
 */
async function makeBoundWebhook(
  dependencies: ApiDependencies,
  { workspace, params: { id }, audit }: Context,
  url: string,
): Promise<Done> {
  const { workspaceId } = workspace;
  const { database, clock, encryption, contracts } = dependencies;
  const contract = workspace.contract === standardContract.name ? 'nixflex' : null;
  const findContract = await contracts.load(workspace, [contract]);
  const verdict = judgeSettings({ url, contract, method: null }, findContract, dependencies);
  if (verdict.kind === 'problem') return atUrlMember(verdict);
  const secret = chooseSecret(verdict.contract, undefined);
  if (secret.kind === 'problem') return secret;
  const nowMs = clock.nowMs();
  const webhookId = makeUuid(nowMs);
  const settings = { eventTypes: ['*'], subject: id, channels: [], headers: {}, metadata: {}, active: true };
  const inherited = { contract, method: null, timeoutMs: null, retrySchedule: null, description: null };
  const webhook = await insertWebhook(
    database,
    {
      id: webhookId,
      workspaceId,
      url: verdict.url,
      ...settings,
      ...inherited,
      bound: true,
    },
    sealSecret(encryption, webhookId, secret.text, nowMs),
    made => audit({ action: 'agent.created', workspaceId, resourceId: id, changes: fieldsOf(agentFacts(made)) }),
  );
  if (webhook === null) return null;
  return answer(201, { ...agentBody(id, webhook), signing_secret: secret.text });
}

/** Another URL makes a deactivated webhook active: what was wrong was the one before. @returns null where it is gone */
async function changeUrl(
  dependencies: ApiDependencies,
  { workspace, params: { id }, audit }: Context,
  current: Webhook,
  url: string,
): Promise<Done> {
  const { workspaceId } = workspace;
  const findContract = await dependencies.contracts.load(workspace, [current.contract]);
  const result = await changeWebhook<Problem | null>(
    dependencies.database,
    workspaceId,
    current.id,
    latest => {
      // It was given another subject a moment ago: it is no longer the agent's.
      if (latest.subject !== id) return { kind: 'refuse', refusal: null };
      const verdict = judgeSettings({ ...latest, url }, findContract, dependencies);
      if (verdict.kind === 'problem') return { kind: 'refuse', refusal: verdict };
      return { kind: 'change', changes: verdict.url === latest.url ? {} : { url: verdict.url, active: true } };
    },
    ({ before, after }) =>
      audit({
        action: 'agent.updated',
        workspaceId,
        resourceId: id,
        changes: differencesOf(agentFacts(before), agentFacts(after)),
      }),
  );
  if (result.kind === 'missing') return null;
  if (result.kind === 'refused') return result.refusal && atUrlMember(result.refusal);
  return answer(200, agentBody(id, result.webhook));
}

/** In this call, the URL stands at `webhook_url`. */
function atUrlMember(refusal: Problem): Problem {
  const errors = refusal.errors?.map(each => ({
    ...each,
    path: each.path === 'body.url' ? 'body.webhook_url' : each.path,
  }));
  return errors === undefined ? refusal : { ...refusal, errors };
}
