import { randomBytes } from 'node:crypto';
import { spellingsOf } from './search-stores.ts';

const makeCanary = (name: string) => `${name}${randomBytes(15).toString('hex')}`;
const makeSigningSecret = () => `whsec_${randomBytes(30).toString('base64')}`;

/** By name; those that Signpost makes itself are added as they come. */
export const canaries: Record<string, string> = {
  'Authorization header': makeCanary('authorization'),
  'header with a token': makeCanary('vendor'),
  'header with a key': makeCanary('accesskey'),
  'changed Authorization header': makeCanary('changed'),
  'password in a URL': makeCanary('password'),
  'token in a URL': makeCanary('urltoken'),
  'idempotency key': makeCanary('idempotency'),
  payload: makeCanary('payload'),
  'wrong key': makeCanary('wrongkey'),
  'broken JSON': makeCanary('broken'),
  "receiver's cookie": makeCanary('cookie'),
  "password in a receiver's Location": makeCanary('locationpassword'),
  "token in a receiver's Location": makeCanary('locationtoken'),
  'given signing secret': makeSigningSecret(),
  'signing secret of a rotation': makeSigningSecret(),
};
export const canary = (name: string): string => canaries[name] as string;

/** Names of the canaries that occur in the text, in any spelling. */
export const found = (text: string): string[] =>
  Object.keys(canaries).filter(name => spellingsOf(canary(name)).some(spelling => text.includes(spelling)));
