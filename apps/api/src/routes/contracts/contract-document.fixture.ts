export type Json = Record<string, unknown>;

const signature = {
  algorithm: 'hmac-sha512',
  content: '{timestamp}:{body}',
  encoding: 'hex',
  format: 'sha512={signature}',
  separator: null,
  headers: [{ name: 'Acme-Signature', value: 'ts={timestamp};{signatures}' }],
};
/** A contract with nothing that it could leave out. */
export const minimal = { name: 'acme', title: 'Acme', envelope: { shape: 'data' }, signature };
/** Secrets of any printable text. */
export const textSecret = {
  prefix: '',
  encoding: 'text',
  key: 'printed',
  generated_bytes: 24,
  min_length: 16,
  max_length: 99,
};
/** An event type with its parts in place of the usual ones. */
export const eventType = (parts: Json = {}): Json => ({
  name: 'order.paid',
  description: 'An order was paid.',
  schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  example: { id: 'ord_1' },
  ...parts,
});
