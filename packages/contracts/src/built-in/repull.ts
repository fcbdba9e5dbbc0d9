import type { ContractDocument } from '../document.ts';
import { standardDocument } from './standard.ts';

const reservationSchema = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string', minLength: 1, examples: ['res_7k2m9q'] },
    listing_id: { type: 'string', minLength: 1, examples: ['lst_40913'] },
    channel: { enum: ['airbnb', 'booking', 'vrbo', 'direct'] },
    status: { enum: ['confirmed', 'pending', 'cancelled'] },
    guest: {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1 },
        email: { type: 'string', format: 'email' },
        phone: { type: 'string', pattern: '^\\+[1-9][0-9]{6,14}$' },
      },
    },
    check_in: { type: 'string', format: 'date' },
    check_out: { type: 'string', format: 'date' },
    guest_count: { type: 'integer', minimum: 1, maximum: 16 },
    total_amount: { type: 'number', minimum: 0 },
    currency: { type: 'string', pattern: '^[A-Z]{3}$', examples: ['EUR'] },
  },
};

const reservation = {
  id: 'res_7k2m9q',
  listing_id: 'lst_40913',
  channel: 'airbnb',
  status: 'confirmed',
  guest: { name: 'Marta Oliveira', email: 'marta@guests.example', phone: '+351912555014' },
  check_in: '2026-07-03',
  check_out: '2026-07-10',
  guest_count: 3,
  total_amount: 1184.5,
  currency: 'EUR',
};

/** The provider documents no envelope and no signature of its own: those of the standard contract serve. */
export const repullDocument: ContractDocument = {
  ...standardDocument,
  name: 'repull',
  title: 'Repull',
  description: 'Reservation and message events, signed as Standard Webhooks 1.0 has it.',
  event_types: [
    {
      name: 'reservation.created',
      description: 'A guest made a reservation.',
      schema: reservationSchema,
      example: reservation,
    },
    {
      name: 'reservation.updated',
      description: 'Dates, guests or price of a reservation changed.',
      schema: reservationSchema,
      example: { ...reservation, check_out: '2026-07-11', total_amount: 1353.7 },
    },
    {
      name: 'reservation.cancelled',
      description: 'A reservation was cancelled by the guest or the host.',
      schema: {
        ...reservationSchema,
        properties: {
          ...reservationSchema.properties,
          cancelled_by: { enum: ['guest', 'host', 'channel'] },
          cancelled_at: { type: 'string', format: 'date-time' },
        },
      },
      example: { ...reservation, status: 'cancelled', cancelled_by: 'guest', cancelled_at: '2026-06-12T08:17:45Z' },
    },
    {
      name: 'message.received',
      description: 'A guest sent a message.',
      schema: {
        type: 'object',
        required: ['id'],
        properties: {
          id: { type: 'string', minLength: 1, examples: ['msg_5d81xz'] },
          conversation_id: { type: 'string', minLength: 1 },
          reservation_id: { type: 'string', minLength: 1 },
          channel: { enum: ['airbnb', 'booking', 'vrbo', 'direct'] },
          sender: {
            type: 'object',
            properties: { name: { type: 'string', minLength: 1 }, role: { enum: ['guest', 'host'] } },
          },
          body: { type: 'string' },
          received_at: { type: 'string', format: 'date-time' },
        },
      },
      example: {
        id: 'msg_5d81xz',
        conversation_id: 'cnv_20418',
        reservation_id: 'res_7k2m9q',
        channel: 'airbnb',
        sender: { name: 'Marta Oliveira', role: 'guest' },
        body: 'Could we check in at noon? Our train arrives early.',
        received_at: '2026-07-01T18:42:10Z',
      },
    },
  ],
  timeout_ms: 5000,
};
