import type { ContractDocument } from '../document.ts';

const sessionId = { type: 'string', pattern: '^ses_[A-Za-z0-9]+$', examples: ['ses_01hx8m2k4v'] };
const agentId = { type: 'string', pattern: '^agt_[A-Za-z0-9]+$', examples: ['agt_01hx7q9d3c'] };
const contact = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    email: { type: 'string', format: 'email' },
    company: { type: 'string' },
  },
};

/** The provider speaks of exponential backoff without figures: 5 s, 30 s and 2 min are taken. */
export const repixaDocument: ContractDocument = {
  name: 'repixa',
  title: 'Repixa',
  description: 'Demo and lead events, the body alone signed in X-Repixa-Signature.',
  warnings: ['The signature covers the body alone, so a receiver cannot tell a replayed request from a new one.'],
  event_types: [
    {
      name: 'demo.completed',
      description: 'A visitor watched a demo to its end.',
      schema: {
        type: 'object',
        required: ['session_id'],
        properties: {
          session_id: sessionId,
          agent_id: agentId,
          contact,
          duration_seconds: { type: 'integer', minimum: 0, maximum: 7200 },
          intent_score: { type: 'integer', minimum: 0, maximum: 100 },
          meeting_booked: { type: 'boolean' },
          replay_url: { type: 'string', format: 'uri' },
        },
      },
      example: {
        session_id: 'ses_01hx8m2k4v',
        agent_id: 'agt_01hx7q9d3c',
        contact: { name: 'Ada King', email: 'ada@startup.example', company: 'Startup' },
        duration_seconds: 412,
        intent_score: 84,
        meeting_booked: true,
        replay_url: 'https://replay.example/ses_01hx8m2k4v',
      },
    },
    {
      name: 'demo.abandoned',
      description: 'A visitor left a demo before its end.',
      schema: {
        type: 'object',
        required: ['session_id'],
        properties: {
          session_id: sessionId,
          agent_id: agentId,
          contact,
          duration_seconds: { type: 'integer', minimum: 0, maximum: 7200 },
          last_step: { type: 'string' },
        },
      },
      example: {
        session_id: 'ses_01hx8p6w1n',
        agent_id: 'agt_01hx7q9d3c',
        contact: { name: 'Jonas Lindqvist', email: 'jonas@fjord.example', company: 'Fjord Analytics' },
        duration_seconds: 73,
        last_step: 'pricing',
      },
    },
    {
      name: 'lead.hot',
      description: 'A visitor showed strong signs of wanting to buy.',
      schema: {
        type: 'object',
        required: ['session_id'],
        properties: {
          session_id: sessionId,
          agent_id: agentId,
          contact,
          signals: {
            type: 'object',
            properties: {
              interest: { type: 'integer', minimum: 0, maximum: 100 },
              buying_signals: { type: 'integer', minimum: 0 },
              objections: { type: 'integer', minimum: 0 },
            },
          },
        },
      },
      example: {
        session_id: 'ses_01hx9a3t7e',
        agent_id: 'agt_01hx7q9d3c',
        contact: { name: 'Ada King', email: 'ada@startup.example', company: 'Startup' },
        signals: { interest: 90, buying_signals: 5, objections: 1 },
      },
    },
    {
      name: 'meeting.booked',
      description: 'A visitor booked a meeting during or after a demo.',
      schema: {
        type: 'object',
        required: ['session_id'],
        properties: {
          session_id: sessionId,
          contact,
          meeting: {
            type: 'object',
            properties: {
              scheduled_at: { type: 'string', format: 'date-time' },
              calendar_link: { type: 'string', format: 'uri' },
            },
          },
        },
      },
      example: {
        session_id: 'ses_01hx9a3t7e',
        contact: { name: 'Ada King', email: 'ada@startup.example' },
        meeting: { scheduled_at: '2026-05-22T09:30:00Z', calendar_link: 'https://calendar.example/e/9a3t7e' },
      },
    },
    {
      name: 'contact.created',
      description: 'A visitor left contact details for the first time.',
      schema: {
        type: 'object',
        properties: { contact_id: { type: 'string', minLength: 1 }, session_id: sessionId, contact },
      },
      example: {
        contact_id: 'con_01hx9b8r2f',
        session_id: 'ses_01hx9b8r2f',
        contact: { name: 'Noor Haddad', email: 'noor@atelier.example', company: 'Atelier Haddad' },
      },
    },
  ],
  envelope: {
    shape: 'object',
    fields: [
      { name: 'event', value: '{event.type}' },
      { name: 'timestamp', value: '{event.timestamp.iso_seconds}' },
      { name: 'data', value: '{data}' },
    ],
  },
  headers: [{ name: 'Content-Type', value: 'application/json' }],
  signature: {
    algorithm: 'hmac-sha256',
    content: '{body}',
    encoding: 'hex',
    format: 'sha256={signature}',
    separator: null,
    headers: [{ name: 'X-Repixa-Signature', value: '{signatures}' }],
  },
  secret: { prefix: '', encoding: 'text', key: 'printed', generated_bytes: 32, min_length: 16, max_length: 256 },
  methods: ['POST'],
  success: { from: 200, to: 299, disable_on: [410] },
  timeout_ms: 5000,
  retry: { schedule_seconds: [5, 30, 120], jitter_ratio: 0.1 },
  url: { https: 'instance' },
};
