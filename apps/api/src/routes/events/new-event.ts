import { createHash } from 'node:crypto';
import type { PublishEventBody } from '@signpost/api-schema';
import type { NewEvent, WorkspaceAccess } from '@signpost/database';
import { type Clock, makeUuid } from '@signpost/runtime';
import { findMembers, textOf } from '../../publishing/json-spans.ts';

const noFingerprint = Buffer.alloc(0);

/** A published event, validated, and where it stands in the text of its request. */
export interface PublishedText {
  readonly body: PublishEventBody;
  /** The text of the request's body. */
  readonly text: string;
  /** Where the event's object begins in it. */
  readonly start: number;
  readonly idempotencyKey: string | null;
}

/** The event to store: `data` and `metadata` keep the very text in which they came. */
export function newEvent(workspace: WorkspaceAccess, published: PublishedText, clock: Clock): NewEvent {
  const { body, text, start, idempotencyKey } = published;
  const members = findMembers(text, start);
  const nowMs = clock.nowMs();
  const metadata = (body.metadata ?? null) === null ? null : textOf(text, members.get('metadata'));
  const payload = textOf(text, members.get('data'));
  return {
    id: makeUuid(nowMs),
    workspaceId: workspace.workspaceId,
    eventType: body.event_type,
    occurredAtMs: body.timestamp === undefined ? nowMs : Date.parse(body.timestamp),
    payload,
    metadata,
    subject: body.subject ?? null,
    channels: body.channels ?? [],
    idempotencyKey,
    fingerprint: idempotencyKey === null ? noFingerprint : fingerprint(body, payload, metadata),
  };
}

/** Tells a repeat from a reused key: equal where every field is, and `data` and `metadata` to the byte. */
function fingerprint(body: PublishEventBody, payload: string, metadata: string | null): Buffer {
  const fields = [
    body.event_type,
    body.timestamp ?? null,
    body.subject ?? null,
    body.channels ?? [],
    payload,
    metadata,
  ];
  return createHash('sha256').update(JSON.stringify(fields)).digest();
}
