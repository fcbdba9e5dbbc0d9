import type { ContractDocument } from '../document.ts';

/**
 * The provider does not say what its signature covers; `{timestamp}.{body}` is signed here, so that a receiver can
 * refuse old requests.
 */
export const replicerDocument: ContractDocument = {
  name: 'replicer',
  title: 'Replicer',
  description:
    'Call events in an envelope with the delivery id, signed in X-Replicer-Signature as hexadecimal HMAC-SHA256.',
  warnings: [],
  event_types: [
    {
      name: 'call.ended',
      description: 'A call with an agent has ended.',
      schema: {
        type: 'object',
        required: ['call_id'],
        properties: {
          call_id: { type: 'string', minLength: 1, examples: ['call_8f3k2m'] },
          agent_id: { type: 'string', minLength: 1, examples: ['agent_27hd91'] },
          direction: { enum: ['inbound', 'outbound'] },
          from_number: { type: 'string', pattern: '^\\+[1-9][0-9]{6,14}$', examples: ['+14155550142'] },
          to_number: { type: 'string', pattern: '^\\+[1-9][0-9]{6,14}$', examples: ['+14155550187'] },
          started_at: { type: 'string', format: 'date-time' },
          ended_at: { type: 'string', format: 'date-time' },
          duration_seconds: { type: 'integer', minimum: 0, maximum: 86400 },
          ended_reason: { enum: ['caller_hangup', 'agent_hangup', 'transferred', 'no_answer'] },
          summary: { type: 'string' },
        },
      },
      example: {
        call_id: 'call_8f3k2m',
        agent_id: 'agent_27hd91',
        direction: 'inbound',
        from_number: '+14155550142',
        to_number: '+14155550187',
        started_at: '2026-04-05T14:02:59Z',
        ended_at: '2026-04-05T14:04:00Z',
        duration_seconds: 61,
        ended_reason: 'caller_hangup',
        summary: 'The caller asked for the opening hours on Easter Monday.',
      },
    },
  ],
  envelope: {
    shape: 'object',
    fields: [
      { name: 'id', value: '{delivery.id}' },
      { name: 'event', value: '{event.type}' },
      { name: 'timestamp', value: '{event.timestamp.iso_seconds}' },
      { name: 'data', value: '{data}' },
    ],
  },
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'X-Replicer-Event', value: '{event.type}' },
    { name: 'X-Replicer-Delivery-Id', value: '{delivery.id}' },
    { name: 'X-Replicer-Timestamp', value: '{timestamp}' },
  ],
  signature: {
    algorithm: 'hmac-sha256',
    content: '{timestamp}.{body}',
    encoding: 'hex',
    format: '{signature}',
    separator: null,
    headers: [{ name: 'X-Replicer-Signature', value: '{signatures}' }],
  },
  secret: { prefix: 'whsec_', encoding: 'text', key: 'printed', generated_bytes: 32, min_length: 16, max_length: 256 },
  methods: ['POST'],
  success: { from: 200, to: 299, disable_on: [410] },
  timeout_ms: 10_000,
  retry: { schedule_seconds: [5, 30, 120, 600, 1800], jitter_ratio: 0.1 },
  url: { https: 'production' },
};
