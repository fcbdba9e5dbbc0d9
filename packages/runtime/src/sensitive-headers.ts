/** Name parts that usually mean a credential. One that does not loses its value to readers, which does no harm. */
const sensitiveName = /auth|cookie|credential|key|pass|secret|session|signature|token/i;

export const maskedValue = '[hidden]';

/** Shorter values are no credentials, and stand in any text by chance. */
const shortestSought = 4;

export interface MaskedHeaders {
  readonly headers: Record<string, string>;
  /** The values that were masked, longest first, for {@link hideValues}. */
  readonly hidden: readonly string[];
}

/** @returns the headers with the values of sensitive ones masked, for logs and the delivery log that people see */
export function maskSensitiveHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return maskHeaders(headers, []).headers;
}

/** @param shownNames headers that are shown whatever their names sound like, spelled as in `headers` */
export function maskHeaders(headers: Readonly<Record<string, string>>, shownNames: readonly string[]): MaskedHeaders {
  const masked: Record<string, string> = {};
  const hidden: string[] = [];
  for (const name in headers) {
    const value = headers[name] as string;
    if (isSensitiveHeader(name) && !shownNames.includes(name)) {
      masked[name] = maskedValue;
      hidden.push(...soughtFor(value));
    } else masked[name] = value;
  }
  if (hidden.length > 1) hidden.sort((a, b) => b.length - a.length);
  return { headers: masked, hidden };
}

/** The value, and what follows its scheme (`Bearer …`), as they are and as JSON spells them, by some with `\\/`. */
function soughtFor(value: string): string[] {
  const texts = [value, value.slice(value.indexOf(' ') + 1)].filter(text => text.length >= shortestSought);
  const inJson = texts.map(text => JSON.stringify(text).slice(1, -1));
  return [...new Set([...texts, ...inJson, ...inJson.map(text => text.replaceAll('/', '\\/'))])];
}

/**
 * @param hidden of {@link maskHeaders}
 * @param isCut whether the text ends anywhere: the start of a value may stand there
 * @returns the text with these values masked
 */
export function hideValues(text: string, hidden: readonly string[], isCut: boolean): string {
  let shown = text;
  for (const value of hidden) shown = shown.replaceAll(value, maskedValue);
  return isCut ? hideStart(shown, hidden) : shown;
}

function hideStart(text: string, hidden: readonly string[]): string {
  for (const value of hidden) {
    for (let length = value.length - 1; length >= shortestSought; length -= 1)
      if (text.endsWith(value.slice(0, length))) return text.slice(0, -length) + maskedValue;
  }
  return text;
}

const verdicts = new Map<string, boolean>();

/** Whether a value under this name is a credential. */
// Receivers send the same few names for ever: remember the verdicts, but not without a bound.
export function isSensitiveHeader(name: string): boolean {
  let verdict = verdicts.get(name);
  if (verdict === undefined) {
    verdict = sensitiveName.test(name);
    if (verdicts.size < 2000) verdicts.set(name, verdict);
  }
  return verdict;
}
