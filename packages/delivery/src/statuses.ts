/**
 * A delivery is one event on its way to one webhook. Its life:
 *
 *   pending ──2xx──────────────────▶ succeeded
 *      │ ▲ └─schedule used up, 410─▶ failed
 *      │ └──any other answer: due again at next_attempt_at
 *      └──webhook deleted or deactivated─▶ cancelled
 *
 * The last three are final for the schedule. A manual retry adds one attempt to a delivery in any status and, if the
 * receiver takes it, makes the delivery `succeeded`; if not, the status stays what it was.
 */
export const deliveryStatuses = ['pending', 'succeeded', 'failed', 'cancelled'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** Why an attempt was made: by the retry schedule, by a person, as a test send, by a replay. */
export const attemptTriggers = ['scheduled', 'manual', 'test', 'replay'] as const;
export type AttemptTrigger = (typeof attemptTriggers)[number];

export const attemptStatuses = ['succeeded', 'failed'] as const;
export type AttemptStatus = (typeof attemptStatuses)[number];

/** Scopes of an API key; `admin` implies the other two. */
export const apiKeyScopes = ['admin', 'publish', 'read'] as const;
export type ApiKeyScope = (typeof apiKeyScopes)[number];
