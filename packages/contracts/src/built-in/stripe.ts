import type { ContractDocument } from '../document.ts';

const id = (prefix: string) => ({ type: 'string', pattern: `^${prefix}_[A-Za-z0-9]+$` });
const currency = { type: 'string', pattern: '^[a-z]{3}$', examples: ['eur'] };
const unixSeconds = { type: 'integer', minimum: 0 };

/** Published data is the object the event is about; it stands at `data.object`. Retries go on for about three days. */
export const stripeDocument: ContractDocument = {
  name: 'stripe',
  title: 'Stripe',
  description: 'An event object around the published one, signed in Stripe-Signature with a timestamp.',
  warnings: [],
  event_types: [
    {
      name: 'invoice.paid',
      description: 'An invoice was paid or marked as paid.',
      schema: {
        type: 'object',
        required: ['id'],
        properties: {
          id: id('in'),
          object: { const: 'invoice' },
          customer: id('cus'),
          amount_due: { type: 'integer', minimum: 0 },
          amount_paid: { type: 'integer', minimum: 0 },
          currency,
          number: { type: ['string', 'null'] },
          status: { enum: ['paid', 'open', 'draft', 'uncollectible', 'void'] },
          created: unixSeconds,
        },
      },
      example: {
        id: 'in_1PqX8sKd72LmNvTa',
        object: 'invoice',
        customer: 'cus_QhT4nB8wYr2LxE',
        amount_due: 4900,
        amount_paid: 4900,
        currency: 'eur',
        number: 'A7F3C2D1-0004',
        status: 'paid',
        created: 1775397840,
      },
    },
    {
      name: 'payment_intent.succeeded',
      description: 'A payment was completed.',
      schema: {
        type: 'object',
        required: ['id'],
        properties: {
          id: id('pi'),
          object: { const: 'payment_intent' },
          amount: { type: 'integer', minimum: 0 },
          amount_received: { type: 'integer', minimum: 0 },
          currency,
          customer: { ...id('cus'), type: ['string', 'null'] },
          status: { enum: ['succeeded'] },
          created: unixSeconds,
        },
      },
      example: {
        id: 'pi_3PqXaTKd72LmNvTa1c9GfR0b',
        object: 'payment_intent',
        amount: 2599,
        amount_received: 2599,
        currency: 'eur',
        customer: 'cus_QhT4nB8wYr2LxE',
        status: 'succeeded',
        created: 1775397840,
      },
    },
    {
      name: 'customer.subscription.deleted',
      description: 'A subscription ended.',
      schema: {
        type: 'object',
        required: ['id'],
        properties: {
          id: id('sub'),
          object: { const: 'subscription' },
          customer: id('cus'),
          status: { enum: ['canceled'] },
          canceled_at: { type: ['integer', 'null'], minimum: 0 },
          created: unixSeconds,
        },
      },
      example: {
        id: 'sub_1PqXbVKd72LmNvTa',
        object: 'subscription',
        customer: 'cus_QhT4nB8wYr2LxE',
        status: 'canceled',
        canceled_at: 1775397840,
        created: 1743861840,
      },
    },
  ],
  envelope: {
    shape: 'object',
    fields: [
      { name: 'id', value: '{event.id}' },
      { name: 'object', constant: 'event' },
      { name: 'api_version', constant: null },
      { name: 'created', value: '{event.timestamp}' },
      { name: 'data', fields: [{ name: 'object', value: '{data}' }] },
      { name: 'livemode', constant: true },
      { name: 'pending_webhooks', constant: 1 },
      {
        name: 'request',
        fields: [
          { name: 'id', constant: null },
          { name: 'idempotency_key', constant: null },
        ],
      },
      { name: 'type', value: '{event.type}' },
    ],
  },
  headers: [{ name: 'Content-Type', value: 'application/json; charset=utf-8' }],
  signature: {
    algorithm: 'hmac-sha256',
    content: '{timestamp}.{body}',
    encoding: 'hex',
    format: 'v1={signature}',
    separator: ',',
    headers: [{ name: 'Stripe-Signature', value: 't={timestamp},{signatures}' }],
  },
  secret: { prefix: 'whsec_', encoding: 'text', key: 'printed', generated_bytes: 32, min_length: 16, max_length: 256 },
  methods: ['POST'],
  success: { from: 200, to: 299, disable_on: [410] },
  timeout_ms: 10_000,
  retry: { schedule_seconds: [60, 300, 1800, 7200, 18_000, 43_200, 86_400, 86_400], jitter_ratio: 0.1 },
  url: { https: 'production' },
};
