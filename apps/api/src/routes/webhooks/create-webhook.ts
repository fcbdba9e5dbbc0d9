import { operations } from '@signpost/api-schema';
import { insertWebhook } from '@signpost/database';
import { formatId, makeUuid } from '@signpost/runtime';
import { fieldsOf } from '../../audit/audit-changes.ts';
import { webhookFacts } from '../../audit/audited-facts.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { notFound } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { route } from '../../routing.ts';
import { chooseSecret, sealSecret } from './signing-secret.ts';
import { webhookBody } from './webhook-body.ts';
import { checkHeaderMasks, checkPatterns, judgeSettings } from './webhook-rules.ts';

export const createWebhook = (dependencies: ApiDependencies) =>
  route(operations.createWebhook, async ({ workspace, body, audit }) => {
    const { database, clock, encryption, contracts, eventCatalogue } = dependencies;
    const { contract = null, method = null, headers = {} } = body;
    const findContract = await contracts.load(workspace, [contract]);
    const verdict = judgeSettings({ url: body.url, contract, method }, findContract, dependencies);
    if (verdict.kind === 'problem') return verdict;
    const refused = checkHeaderMasks(headers) ?? (await checkPatterns(eventCatalogue, workspace, body.events));
    if (refused !== null) return refused;
    const secret = chooseSecret(verdict.contract, body.secret);
    if (secret.kind === 'problem') return secret;

    const { workspaceId } = workspace;
    const nowMs = clock.nowMs();
    const id = makeUuid(nowMs);
    const webhook = await insertWebhook(
      database,
      {
        id,
        workspaceId,
        url: verdict.url,
        eventTypes: [...new Set(body.events)],
        description: body.description ?? null,
        contract,
        method,
        headers,
        timeoutMs: body.timeout_ms ?? null,
        retrySchedule: body.retry_schedule ?? null,
        subject: body.subject ?? null,
        channels: body.channels ?? [],
        metadata: body.metadata ?? {},
        active: body.active ?? true,
      },
      sealSecret(encryption, id, secret.text, nowMs),
      made =>
        audit({
          action: 'webhook.created',
          workspaceId,
          resourceId: formatId('webhook', id),
          changes: fieldsOf(webhookFacts(made)),
        }),
    );
    // The workspace was deleted a moment ago.
    if (webhook === null) return notFound();
    return answer(201, { ...webhookBody(webhook), signing_secret: secret.text });
  });
