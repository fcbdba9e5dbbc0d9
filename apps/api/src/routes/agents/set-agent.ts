import { operations } from '@signpost/api-schema';
import { standardContract } from '@signpost/contracts';
import {
  cancelPendingDeliveries,
  changeWebhook,
  deleteWebhook,
  findBoundWebhook,
  insertWebhook,
  type Webhook,
  type WorkspaceAccess,
} from '@signpost/database';
import { makeUuid } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { type Problem, problem } from '../../errors/problem.ts';
import { type Answer, answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
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
  route(operations.setAgent, async ({ workspace, params: { id }, body: { webhook_url: url } }) => {
    for (let look = 0; look < maxLooks; look += 1) {
      const current = await findBoundWebhook(dependencies.database, workspace.workspaceId, id);
      const done =
        url === null
          ? await removeUrl(dependencies, workspace, id, current)
          : current === null
            ? await makeBoundWebhook(dependencies, workspace, id, url)
            : await changeUrl(dependencies, workspace, id, current, url);
      if (done !== null) return done;
    }
    return problem('conflict', `The webhook of ${id} is being changed by others at this moment; repeat the call.`);
  });

type Done = Answer | Problem | null;

async function removeUrl(
  { database }: ApiDependencies,
  { workspaceId }: WorkspaceAccess,
  id: string,
  current: Webhook | null,
): Promise<Done> {
  if (current === null) return answer(200, agentBody(id, null));
  if (!(await deleteWebhook(database, workspaceId, current.id))) return null;
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
  workspace: WorkspaceAccess,
  id: string,
  url: string,
): Promise<Done> {
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
      workspaceId: workspace.workspaceId,
      url: verdict.url,
      ...settings,
      ...inherited,
      bound: true,
    },
    sealSecret(encryption, webhookId, secret.text, nowMs),
  );
  if (webhook === null) return null;
  return answer(201, { ...agentBody(id, webhook), signing_secret: secret.text });
}

/** Another URL makes a deactivated webhook active: what was wrong was the one before. @returns null where it is gone */
async function changeUrl(
  dependencies: ApiDependencies,
  workspace: WorkspaceAccess,
  id: string,
  current: Webhook,
  url: string,
): Promise<Done> {
  const findContract = await dependencies.contracts.load(workspace, [current.contract]);
  const result = await changeWebhook<Problem | null>(
    dependencies.database,
    workspace.workspaceId,
    current.id,
    latest => {
      // It was given another subject a moment ago: it is no longer the agent's.
      if (latest.subject !== id) return { kind: 'refuse', refusal: null };
      const verdict = judgeSettings({ ...latest, url }, findContract, dependencies);
      if (verdict.kind === 'problem') return { kind: 'refuse', refusal: verdict };
      return { kind: 'change', changes: verdict.url === latest.url ? {} : { url: verdict.url, active: true } };
    },
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
