import type { ContractDocument } from '../document.ts';

const phone = { type: 'string', pattern: '^\\+[1-9][0-9]{6,14}$', examples: ['+447700900123'] };
const agentId = { type: 'string', pattern: '^agent_[A-Za-z0-9]+$', examples: ['agent_125207e452f8714a'] };
const metadata = { type: 'object' };

const callFields = {
  call_id: { type: 'string', minLength: 1, examples: ['CA3b91f0c27de84a65'] },
  agent_id: agentId,
  direction: { enum: ['inbound', 'outbound'] },
  from_number: phone,
  to_number: phone,
  started_at: { type: 'string', format: 'date-time' },
  ended_at: { type: 'string', format: 'date-time' },
  duration_seconds: { type: 'integer', minimum: 0, maximum: 86400 },
  ended_reason: { type: 'string', examples: ['caller_hangup'] },
};

const smsFields = {
  message_id: { type: 'string', minLength: 1, examples: ['SM81c0d7a94be2'] },
  agent_id: agentId,
  from_number: phone,
  to_number: phone,
  text: { type: 'string' },
  metadata,
};

/**
 * The event's own fields stand beside `event`, without an envelope. Data that is no object cannot be spread and goes
 * out as the member `data`. 410 is retried like every other 4xx, as the provider says.
 */
export const nixflexDocument: ContractDocument = {
  name: 'nixflex',
  title: 'Nixflex',
  description: 'Voice and SMS events as one flat object, signed in X-Nixflex-Signature with a timestamp.',
  warnings: ['Some proxies drop headers whose names hold "_", such as webhook_delivery_id.'],
  event_types: [
    {
      name: 'call.ended',
      description: 'A call with an agent has ended.',
      schema: {
        type: 'object',
        required: ['call_id'],
        properties: {
          ...callFields,
          transcript: {
            type: 'array',
            items: {
              type: 'object',
              required: ['role', 'text'],
              properties: {
                role: { enum: ['agent', 'user'] },
                text: { type: 'string' },
                timestamp_ms: { type: 'integer', minimum: 0 },
              },
            },
          },
          recording_url: { type: ['string', 'null'], format: 'uri' },
          call_summary: { type: ['string', 'null'] },
          caller_sentiment: { enum: ['positive', 'neutral', 'negative', null] },
          call_successful: { type: ['boolean', 'null'] },
          extracted_data: { type: 'object' },
          metadata,
        },
      },
      example: {
        call_id: 'CA3b91f0c27de84a65',
        agent_id: 'agent_125207e452f8714a',
        direction: 'inbound',
        from_number: '+447700900123',
        to_number: '+447700900456',
        started_at: '2026-05-17T03:45:12Z',
        ended_at: '2026-05-17T03:47:38Z',
        duration_seconds: 146,
        ended_reason: 'caller_hangup',
        transcript: [
          { role: 'agent', text: 'Good morning, how can I help?', timestamp_ms: 0 },
          { role: 'user', text: 'I would like to move my appointment to Friday.', timestamp_ms: 2840 },
          { role: 'agent', text: 'Friday at ten is free. Shall I book it?', timestamp_ms: 6120 },
        ],
        recording_url: 'https://recordings.example/CA3b91f0c27de84a65.mp3',
        call_summary: 'The caller moved an appointment to Friday at ten.',
        caller_sentiment: 'positive',
        call_successful: true,
        extracted_data: { appointment_date: '2026-05-22', appointment_time: '10:00' },
      },
    },
    {
      name: 'call.failed',
      description: 'A call could not be connected or broke off.',
      schema: {
        type: 'object',
        required: ['call_id'],
        properties: {
          call_id: callFields.call_id,
          agent_id: agentId,
          direction: callFields.direction,
          from_number: phone,
          to_number: phone,
          failed_at: { type: 'string', format: 'date-time' },
          failure_reason: { enum: ['busy', 'no_answer', 'invalid_number', 'network_error'] },
          metadata,
        },
      },
      example: {
        call_id: 'CA77d02e1f9ab3',
        agent_id: 'agent_125207e452f8714a',
        direction: 'outbound',
        from_number: '+447700900456',
        to_number: '+447700900789',
        failed_at: '2026-05-17T09:12:03Z',
        failure_reason: 'no_answer',
      },
    },
    {
      name: 'sms.delivered',
      description: 'A text message reached its recipient.',
      schema: {
        type: 'object',
        required: ['message_id'],
        properties: { ...smsFields, delivered_at: { type: 'string', format: 'date-time' } },
      },
      example: {
        message_id: 'SM81c0d7a94be2',
        agent_id: 'agent_125207e452f8714a',
        from_number: '+447700900456',
        to_number: '+447700900123',
        text: 'Your appointment is on Friday at 10:00.',
        delivered_at: '2026-05-17T03:48:02Z',
      },
    },
    {
      name: 'sms.received',
      description: 'A text message came in for an agent.',
      schema: {
        type: 'object',
        required: ['message_id'],
        properties: { ...smsFields, received_at: { type: 'string', format: 'date-time' } },
      },
      example: {
        message_id: 'SM9e44b1c60f37',
        agent_id: 'agent_125207e452f8714a',
        from_number: '+447700900123',
        to_number: '+447700900456',
        text: 'Thanks, see you on Friday!',
        received_at: '2026-05-17T03:51:40Z',
      },
    },
  ],
  envelope: {
    shape: 'object',
    fields: [
      { name: 'event', value: '{event.type}' },
      { spread: '{data}' },
      { name: 'metadata', value: '{metadata}', when_absent: 'omit' },
    ],
  },
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'webhook_delivery_id', value: '{delivery.id}' },
  ],
  signature: {
    algorithm: 'hmac-sha256',
    content: '{timestamp}.{body}',
    encoding: 'hex',
    format: 'v1={signature}',
    separator: null,
    headers: [{ name: 'X-Nixflex-Signature', value: 't={timestamp},{signatures}' }],
  },
  secret: { prefix: '', encoding: 'text', key: 'printed', generated_bytes: 32, min_length: 16, max_length: 256 },
  methods: ['POST'],
  success: { from: 200, to: 299, disable_on: [] },
  timeout_ms: 10_000,
  retry: { schedule_seconds: [60, 300, 1800, 7200, 43_200], jitter_ratio: 0.1 },
  url: { https: 'instance' },
};
