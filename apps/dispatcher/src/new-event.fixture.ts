import { randomBytes } from 'node:crypto';
import type { NewEvent } from '@signpost/database';
import { makeUuid, systemClock } from '@signpost/runtime';

/** An event that a workspace publishes now, with an empty payload and nothing that narrows who gets it. */
export function newEvent(workspaceId: string): NewEvent {
  const nowMs = systemClock.nowMs();
  return {
    id: makeUuid(nowMs),
    workspaceId,
    eventType: 'call.ended',
    occurredAtMs: nowMs,
    payload: '{}',
    metadata: null,
    subject: null,
    channels: [],
    idempotencyKey: null,
    fingerprint: randomBytes(32),
  };
}
