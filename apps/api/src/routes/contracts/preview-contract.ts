import { operations } from '@signpost/api-schema';
import { type CompiledContract, compileContract, ContractError, type SealInput } from '@signpost/contracts';
import { type Clock, formatId, makeUuid } from '@signpost/runtime';
import { checkContractDocument } from '../../contracts/check-document.ts';
import type { ContractRegistry } from '../../contracts/contract-registry.ts';
import { maskSealed } from '../../contracts/credential-headers.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import type { EventCatalogue } from '../../event-catalogue/event-catalogue.ts';
import { invalidField, type Problem } from '../../errors/problem.ts';
import { answer } from '../../middleware/write-answer.ts';
import { findMembers, textOf } from '../../publishing/json-spans.ts';
import { type RequestContext, route } from '../../routing.ts';

type PreviewBody = RequestContext<typeof operations.previewContract>['body'];

export const previewContract = ({ contracts, eventCatalogue, clock }: ApiDependencies) =>
  route(operations.previewContract, async ({ workspace, body, bodyText }) => {
    const chosen = await chooseContract(contracts, eventCatalogue, workspace.workspaceId, body);
    if (chosen.kind === 'problem') return chosen;
    const { contract } = chosen;
    const check = contract.checkSecret(body.secret);
    if (check.kind === 'invalid') return invalidField('body.secret', `does not fit: ${check.message.slice(0, -1)}`);
    const { methods } = contract.document;
    if (!methods.some(each => each === (body.method ?? each)))
      return invalidField('body.method', `must be one of the contract ${contract.name}: ${methods.join(', ')}`);
    const input = sealInput(body, bodyText, clock);
    return sealPreview(contract, input);
  });

/** A delivery of this event would fail with `request_too_large` where this is refused. */
function sealPreview(contract: CompiledContract, input: SealInput) {
  try {
    const { method, headers, body } = contract.seal(input);
    return answer(200, {
      method,
      headers: maskSealed(contract.document, headers),
      body: body.toString('utf8'),
      signed_content: contract.signedContent(input),
    });
  } catch (error) {
    if (!(error instanceof ContractError && error.code === 'request_too_large')) throw error;
    return invalidField(
      'body.event',
      `makes too large a request by the contract ${contract.name}: ${error.message.slice(0, -1)}`,
    );
  }
}

type ChosenContract = { readonly kind: 'contract'; readonly contract: CompiledContract } | Problem;

async function chooseContract(
  registry: ContractRegistry,
  catalogue: EventCatalogue,
  workspaceId: string,
  { contract: name, document }: PreviewBody,
): Promise<ChosenContract> {
  if ((name === undefined) === (document === undefined))
    return invalidField('body', 'needs either contract or document');
  if (name !== undefined) {
    const found = await registry.find(workspaceId, name);
    return found === null
      ? invalidField('body.contract', 'is not the name of a contract')
      : { kind: 'contract', contract: found.contract };
  }
  const verdict = await checkContractDocument(document, 'body.document', catalogue.timeOf(workspaceId));
  return verdict.kind === 'problem' ? verdict : { kind: 'contract', contract: compileContract(verdict.document) };
}

/** Data and metadata keep the very text in which they came, as those of a published event do. */
function sealInput(body: PreviewBody, bodyText: string, clock: Clock): SealInput {
  const { event, method = null, secret } = body;
  const members = findMembers(bodyText, findMembers(bodyText).get('event')?.start);
  const nowMs = clock.nowMs();
  const attemptMs = body.attempt_timestamp === undefined ? nowMs : Date.parse(body.attempt_timestamp);
  return {
    eventId: body.event_id ?? formatId('event', makeUuid(nowMs)),
    eventType: event.event_type,
    eventTimestampMs: event.timestamp === undefined ? nowMs : Date.parse(event.timestamp),
    data: textOf(bodyText, members.get('data')),
    metadata: (event.metadata ?? null) === null ? null : textOf(bodyText, members.get('metadata')),
    subject: event.subject ?? null,
    deliveryId: body.delivery_id ?? formatId('delivery', makeUuid(nowMs)),
    attemptId: body.attempt_id ?? formatId('attempt', makeUuid(nowMs)),
    attemptUnixSeconds: Math.floor(attemptMs / 1000),
    method,
    secrets: [secret],
  };
}
