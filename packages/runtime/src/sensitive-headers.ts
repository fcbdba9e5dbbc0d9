/** Headers whose values are credentials, and name parts that usually mean one. */
const sensitiveName =
  /^(authorization|proxy-authorization|cookie|set-cookie|www-authenticate)$|token|secret|api-?key|password|credential/i;

export const maskedValue = '[hidden]';

/** @returns the headers with the values of sensitive ones masked, for logs and the delivery log that people see */
export function maskSensitiveHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const masked: Record<string, string> = {};
  for (const name in headers) masked[name] = isSensitiveHeader(name) ? maskedValue : (headers[name] as string);
  return masked;
}

const verdicts = new Map<string, boolean>();

/** Receivers send the same few names for ever: remember the verdicts, but not without a bound. */
function isSensitiveHeader(name: string): boolean {
  let verdict = verdicts.get(name);
  if (verdict === undefined) {
    verdict = sensitiveName.test(name);
    if (verdicts.size < 2000) verdicts.set(name, verdict);
  }
  return verdict;
}
