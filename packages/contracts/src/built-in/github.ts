import type { ContractDocument } from '../document.ts';

const user = {
  type: 'object',
  required: ['login'],
  properties: { login: { type: 'string', minLength: 1 }, id: { type: 'integer', minimum: 1 } },
};
const repository = {
  type: 'object',
  required: ['full_name'],
  properties: {
    id: { type: 'integer', minimum: 1 },
    name: { type: 'string', minLength: 1 },
    full_name: { type: 'string', pattern: '^[^/]+/[^/]+$' },
    private: { type: 'boolean' },
  },
};
const exampleRepository = { id: 704182953, name: 'lighthouse', full_name: 'harbour/lighthouse', private: false };
const exampleUser = { login: 'ines-moreau', id: 48210377 };

/** The body is the published data itself; what kind of event it is stands in a header alone. */
export const githubDocument: ContractDocument = {
  name: 'github',
  title: 'GitHub',
  description: 'The published data as the whole body, signed in X-Hub-Signature-256, the event in X-GitHub-Event.',
  warnings: ['The signature covers the body alone, so a receiver cannot tell a replayed request from a new one.'],
  event_types: [
    {
      name: 'ping',
      description: 'Sent to see whether a webhook works.',
      schema: {
        type: 'object',
        required: ['zen'],
        properties: { zen: { type: 'string' }, hook_id: { type: 'integer', minimum: 1 }, repository, sender: user },
      },
      example: {
        zen: 'Small steps, far shores.',
        hook_id: 412077310,
        repository: exampleRepository,
        sender: exampleUser,
      },
    },
    {
      name: 'push',
      description: 'Commits were pushed to a branch or tag.',
      schema: {
        type: 'object',
        required: ['ref'],
        properties: {
          ref: { type: 'string', pattern: '^refs/(heads|tags)/.+$', examples: ['refs/heads/main'] },
          before: { type: 'string', pattern: '^[0-9a-f]{40}$' },
          after: { type: 'string', pattern: '^[0-9a-f]{40}$' },
          commits: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                id: { type: 'string', pattern: '^[0-9a-f]{40}$' },
                message: { type: 'string' },
                timestamp: { type: 'string', format: 'date-time' },
              },
            },
          },
          repository,
          sender: user,
        },
      },
      example: {
        ref: 'refs/heads/main',
        before: '3f1c0b7d9e2a4856b1c7d0e9f8a2b3c4d5e6f708',
        after: '9a8b7c6d5e4f30213243546576879809a1b2c3d4',
        commits: [
          {
            id: '9a8b7c6d5e4f30213243546576879809a1b2c3d4',
            message: 'Turn the lamp off at dawn',
            timestamp: '2026-04-05T14:03:51Z',
          },
        ],
        repository: exampleRepository,
        sender: exampleUser,
      },
    },
    {
      name: 'issues',
      description: 'Something happened to an issue; `action` says what.',
      schema: {
        type: 'object',
        required: ['action', 'issue'],
        properties: {
          action: { enum: ['opened', 'edited', 'closed', 'reopened', 'labeled', 'assigned'] },
          issue: {
            type: 'object',
            required: ['number', 'title'],
            properties: {
              number: { type: 'integer', minimum: 1 },
              title: { type: 'string', minLength: 1 },
              state: { enum: ['open', 'closed'] },
              user,
            },
          },
          repository,
          sender: user,
        },
      },
      example: {
        action: 'opened',
        issue: { number: 128, title: 'The horn is silent in fog', state: 'open', user: exampleUser },
        repository: exampleRepository,
        sender: exampleUser,
      },
    },
  ],
  envelope: { shape: 'data' },
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'X-GitHub-Event', value: '{event.type}' },
    { name: 'X-GitHub-Delivery', value: '{delivery.id}' },
  ],
  signature: {
    algorithm: 'hmac-sha256',
    content: '{body}',
    encoding: 'hex',
    format: 'sha256={signature}',
    separator: null,
    headers: [{ name: 'X-Hub-Signature-256', value: '{signatures}' }],
  },
  secret: { prefix: '', encoding: 'text', key: 'printed', generated_bytes: 32, min_length: 16, max_length: 256 },
  methods: ['POST'],
  success: { from: 200, to: 299, disable_on: [410] },
  timeout_ms: 10_000,
  retry: { schedule_seconds: [5, 30, 120, 600, 1800], jitter_ratio: 0.1 },
  url: { https: 'instance' },
};
