import type { ContractDocument } from '../document.ts';

/** Standard Webhooks 1.0 with symmetric signatures. It also fills what other contracts leave open. */
export const standardDocument: ContractDocument = {
  name: 'standard',
  title: 'Standard Webhooks',
  description: 'Standard Webhooks 1.0: an id, a timestamp and one or more HMAC-SHA256 signatures in three headers.',
  warnings: [],
  event_types: [],
  envelope: {
    shape: 'object',
    fields: [
      { name: 'type', value: '{event.type}' },
      { name: 'timestamp', value: '{event.timestamp.iso_milliseconds}' },
      { name: 'data', value: '{data}' },
    ],
  },
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'webhook-id', value: '{event.id}' },
    { name: 'webhook-timestamp', value: '{timestamp}' },
  ],
  signature: {
    algorithm: 'hmac-sha256',
    content: '{event.id}.{timestamp}.{body}',
    encoding: 'base64',
    format: 'v1,{signature}',
    separator: ' ',
    headers: [{ name: 'webhook-signature', value: '{signatures}' }],
  },
  secret: {
    prefix: 'whsec_',
    encoding: 'base64',
    key: 'decoded',
    generated_bytes: 32,
    min_length: 24,
    max_length: 64,
  },
  methods: ['POST'],
  success: { from: 200, to: 299, disable_on: [410] },
  timeout_ms: 10_000,
  retry: { schedule_seconds: [5, 30, 120, 600, 1800], jitter_ratio: 0.1 },
  url: { https: 'instance' },
};
