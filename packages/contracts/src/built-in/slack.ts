import type { ContractDocument } from '../document.ts';

const slackUser = { type: 'string', pattern: '^[UW][A-Z0-9]+$', examples: ['U07HR4KQ2M9'] };
const channel = { type: 'string', pattern: '^[CDG][A-Z0-9]+$', examples: ['C06LT8NW3VE'] };
const slackTime = { type: 'string', pattern: '^[0-9]{10}\\.[0-9]{6}$', examples: ['1775397840.000200'] };

/** The Events API: published data is the inner event. Three seconds to answer, three retries. */
export const slackDocument: ContractDocument = {
  name: 'slack',
  title: 'Slack',
  description: 'An event_callback around the published event, signed in X-Slack-Signature with a timestamp.',
  warnings: [],
  event_types: [
    {
      name: 'app_mention',
      description: 'Someone mentioned the app in a channel.',
      schema: {
        type: 'object',
        required: ['type'],
        properties: {
          type: { const: 'app_mention' },
          user: slackUser,
          text: { type: 'string' },
          ts: slackTime,
          channel,
          event_ts: slackTime,
        },
      },
      example: {
        type: 'app_mention',
        user: 'U07HR4KQ2M9',
        text: '<@U08BOTX51QZ> what is on call this week?',
        ts: '1775397840.000200',
        channel: 'C06LT8NW3VE',
        event_ts: '1775397840.000200',
      },
    },
    {
      name: 'message',
      description: 'A message was posted to a channel the app is in.',
      schema: {
        type: 'object',
        required: ['type'],
        properties: {
          type: { const: 'message' },
          channel,
          user: slackUser,
          text: { type: 'string' },
          ts: slackTime,
          channel_type: { enum: ['channel', 'group', 'im', 'mpim'] },
        },
      },
      example: {
        type: 'message',
        channel: 'C06LT8NW3VE',
        user: 'U07HR4KQ2M9',
        text: 'The release is out.',
        ts: '1775397861.000400',
        channel_type: 'channel',
      },
    },
    {
      name: 'reaction_added',
      description: 'Someone reacted to a message.',
      schema: {
        type: 'object',
        required: ['type'],
        properties: {
          type: { const: 'reaction_added' },
          user: slackUser,
          reaction: { type: 'string', minLength: 1 },
          item: {
            type: 'object',
            properties: { type: { const: 'message' }, channel, ts: slackTime },
          },
          event_ts: slackTime,
        },
      },
      example: {
        type: 'reaction_added',
        user: 'U07HR4KQ2M9',
        reaction: 'tada',
        item: { type: 'message', channel: 'C06LT8NW3VE', ts: '1775397861.000400' },
        event_ts: '1775397874.000600',
      },
    },
  ],
  envelope: {
    shape: 'object',
    fields: [
      { name: 'type', constant: 'event_callback' },
      { name: 'event_id', value: '{event.id}' },
      { name: 'event_time', value: '{event.timestamp}' },
      { name: 'event', value: '{data}' },
    ],
  },
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'X-Slack-Request-Timestamp', value: '{timestamp}' },
  ],
  signature: {
    algorithm: 'hmac-sha256',
    content: 'v0:{timestamp}:{body}',
    encoding: 'hex',
    format: 'v0={signature}',
    separator: null,
    headers: [{ name: 'X-Slack-Signature', value: '{signatures}' }],
  },
  secret: { prefix: '', encoding: 'text', key: 'printed', generated_bytes: 32, min_length: 16, max_length: 256 },
  methods: ['POST'],
  success: { from: 200, to: 299, disable_on: [410] },
  timeout_ms: 3000,
  retry: { schedule_seconds: [1, 60, 300], jitter_ratio: 0.1 },
  url: { https: 'production' },
};
