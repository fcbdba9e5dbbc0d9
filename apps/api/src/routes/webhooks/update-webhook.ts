import { operations } from '@signpost/api-schema';
import {
  cancelPendingDeliveries,
  changeWebhook,
  findWebhook,
  type SigningSecret,
  type Webhook,
  type WebhookDecision,
  type WebhookSettings,
} from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { FindContract } from '../../contracts/contract-registry.ts';
import { differencesOf } from '../../audit/audit-changes.ts';
import { webhookFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { invalidField, notFound, type Problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { type RequestContext, route } from '../../routing.ts';
import { fitContract } from './signing-secret.ts';
import { webhookBody } from './webhook-body.ts';
import { checkHeaderMasks, checkPatterns, judgeSettings } from './webhook-rules.ts';

type UpdateBody = RequestContext<typeof operations.updateWebhook>['body'];

export const updateWebhook = (dependencies: ApiDependencies) =>
  route(operations.updateWebhook, async ({ workspace, params, body, audit }) => {
    const { database, contracts, eventCatalogue } = dependencies;
    const { workspaceId } = workspace;
    const id = parseId('webhook', params.id);
    if (id === null) return notFound();
    const refused = checkHeaderMasks(body.headers);
    if (refused !== null) return refused;
    const patternsProblem = await checkPatterns(eventCatalogue, workspace, body.events ?? []);
    const before = await findWebhook(database, workspaceId, id);
    const findContract = await contracts.load(workspace, [before?.contract, body.contract]);
    const result = await changeWebhook<Problem>(
      database,
      workspaceId,
      id,
      (current, secrets) =>
        patternsProblem === null
          ? decideChanges(dependencies, findContract, body, current, secrets)
          : { kind: 'refuse', refusal: patternsProblem },
      ({ before: old, after }) =>
        audit({
          action: 'webhook.updated',
          workspaceId,
          resourceId: params.id,
          changes: differencesOf(webhookFacts(old), webhookFacts(after)),
        }),
    );
    if (result.kind === 'missing') return notFound();
    if (result.kind === 'refused') return result.refusal;
    // Behind the commit, because there may be many: what is not cancelled here is when its turn comes.
    if (body.active === false) await cancelPendingDeliveries(database, id);
    return answer(200, webhookBody(result.webhook));
  });

/** Whether the webhook as it would be is allowed. URL, contract and method have to fit together, whichever is changed. */
function decideChanges(
  dependencies: ApiDependencies,
  findContract: FindContract,
  body: UpdateBody,
  current: Webhook,
  secrets: readonly SigningSecret[],
): WebhookDecision<Problem> {
  const changes = toChanges(body);
  const { url, contract, method } = body;
  if (url === undefined && contract === undefined && method === undefined) return { kind: 'change', changes };
  const verdict = judgeSettings({ ...current, ...changes }, findContract, dependencies);
  if (verdict.kind === 'problem') return { kind: 'refuse', refusal: verdict };
  const isOtherContract = verdict.contract !== findContract(current.contract);
  if (isOtherContract && !fitContract(verdict.contract, secrets, dependencies.encryption, current.id)) {
    const message = `cannot become ${verdict.contract.name}: its secrets have another form. Create a webhook with that contract`;
    return { kind: 'refuse', refusal: invalidField('body.contract', message) };
  }
  return { kind: 'change', changes: url === undefined ? changes : { ...changes, url: verdict.url } };
}

function toChanges(body: UpdateBody): Partial<WebhookSettings> {
  const changes: { -readonly [Name in keyof WebhookSettings]: WebhookSettings[Name] | undefined } = {
    url: body.url,
    eventTypes: body.events && [...new Set(body.events)],
    description: body.description,
    contract: body.contract,
    method: body.method,
    headers: body.headers,
    timeoutMs: body.timeout_ms,
    retrySchedule: body.retry_schedule,
    subject: body.subject,
    channels: body.channels,
    metadata: body.metadata,
    active: body.active,
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}
