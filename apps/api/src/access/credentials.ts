/** What an `Authorization` header holds. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  /** `keyId` only in the spelling KEY_ID:KEY_SECRET, as it was sent. */
  | { readonly kind: 'key'; readonly keyId: string | null; readonly secret: string };

/** token68 of RFC 9110, section 11.4, and the colon between an id and its secret. */
const bearer = /^bearer +([A-Za-z0-9._~+/:-]{1,512}=*)$/i;

/** Reads `Bearer sk_live_…` and `Bearer key_…:sk_live_…`. */
export function readCredentials(header: string | undefined): Credentials {
  if (header === undefined) return { kind: 'none' };
  const token = bearer.exec(header)?.[1];
  if (token === undefined) return { kind: 'malformed' };
  const colon = token.startsWith('key_') ? token.indexOf(':') : -1;
  if (colon === -1) return { kind: 'key', keyId: null, secret: token };
  return { kind: 'key', keyId: token.slice(0, colon), secret: token.slice(colon + 1) };
}
