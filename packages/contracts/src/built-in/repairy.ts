import type { ContractDocument, EventTypeDocument } from '../document.ts';

/** The signature names these three, so they are required; the rest of a booking is the workshop's own. */
const bookingSchema = {
  type: 'object',
  required: ['id', 'bookingId', 'workshopId'],
  properties: {
    id: { type: ['string', 'integer'], examples: ['bk_77'] },
    bookingId: { type: ['string', 'integer'], description: 'The same value as id.', examples: ['bk_77'] },
    workshopId: { type: ['string', 'integer'], examples: ['ws_9'] },
    status: { type: 'string', examples: ['confirmed'] },
    startsAt: { type: 'string', format: 'date-time' },
    endsAt: { type: 'string', format: 'date-time' },
    customer: { type: ['string', 'object'] },
    vehicle: { type: 'object' },
    services: { type: 'array', items: { type: 'string' } },
    notes: { type: ['string', 'null'] },
  },
};

const booking = {
  id: 'bk_77',
  bookingId: 'bk_77',
  workshopId: 'ws_9',
  status: 'confirmed',
  startsAt: '2026-04-09T07:30:00Z',
  endsAt: '2026-04-09T09:00:00Z',
  customer: { name: 'Zoë Brandt', email: 'zoe@drivers.example', phone: '+4915155500123' },
  vehicle: { make: 'Volkswagen', model: 'Golf', registration: 'B-ZB 2026' },
  services: ['oil change', 'brake inspection'],
  notes: null,
};

const bookingEvent = (name: string, description: string, status: string): EventTypeDocument => ({
  name,
  description,
  schema: bookingSchema,
  example: { ...booking, status },
});

/**
 * The receiver signs with the body's own values, and may instead take the time from the header: body, header and
 * signature therefore carry one and the same time, the attempt's.
 */
export const repairyDocument: ContractDocument = {
  name: 'repairy',
  title: 'Repairy',
  description: 'Workshop bookings by POST, PUT or PATCH, signed by MD5 over named values with a shared key.',
  warnings: [
    'MD5 with a shared key is weak and covers only a few values, not the body. Use this contract only for receivers that need it.',
  ],
  event_types: [
    bookingEvent('bookingCreate', 'A booking was made.', 'confirmed'),
    bookingEvent('bookingUpdated', 'A booking was changed.', 'rescheduled'),
    bookingEvent('bookingCancelled', 'A booking was cancelled.', 'cancelled'),
    bookingEvent('bookingCompleted', 'The work of a booking is done.', 'completed'),
  ],
  envelope: {
    shape: 'object',
    fields: [
      { name: 'id', value: '{event.id}' },
      { name: 'action', value: '{event.type}' },
      { name: 'timestamp', value: '{timestamp}' },
      { name: 'payload', value: '{data}' },
    ],
  },
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'x-request-id', value: '{delivery.id}' },
    { name: 'x-webhook-id', value: '{attempt.id}' },
    { name: 'x-webhook-timestamp', value: '{timestamp}' },
    { name: 'x-webhook-version', value: '3' },
  ],
  signature: {
    algorithm: 'md5',
    content: '{secret}|{event.type}|{event.id}|{data.bookingId}|{data.workshopId}|{timestamp}',
    encoding: 'hex',
    format: '{signature}',
    separator: null,
    headers: [
      { name: 'x-webhook-signature', value: '{signatures}' },
      { name: 'x-repairy-signature', value: '{signatures}' },
    ],
  },
  secret: { prefix: '', encoding: 'text', key: 'printed', generated_bytes: 32, min_length: 16, max_length: 256 },
  methods: ['POST', 'PUT', 'PATCH'],
  success: { from: 200, to: 299, disable_on: [410] },
  timeout_ms: 10_000,
  retry: { schedule_seconds: [5, 30, 120, 600, 1800], jitter_ratio: 0.1 },
  url: { https: 'instance' },
};
