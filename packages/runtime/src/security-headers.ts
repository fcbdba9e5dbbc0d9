/**
 * Headers of every answer that is data and not a page (OWASP, HTTP Headers Cheat Sheet and REST Security Cheat Sheet):
 * nothing in it may be run, framed, guessed to be of another type, or read by a page of another origin.
 *
 * HSTS is not among them: a process behind a proxy does not know whether the caller's connection was TLS.
 */
export const dataSecurityHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/**
 * The same for a page and what it loads, which says by itself what it needs.
 *
 * @param sources directives beside `default-src 'none'`, such as `script-src 'self'`; without a semicolon at the end
 */
export function pageSecurityHeaders(sources: string | null): Readonly<Record<string, string>> {
  const policy = ["default-src 'none'", sources, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];
  return {
    ...dataSecurityHeaders,
    'content-security-policy': policy.filter(part => part !== null).join('; '),
    'cross-origin-opener-policy': 'same-origin',
  };
}
