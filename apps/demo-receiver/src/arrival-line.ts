import type { Arrival } from './arrivals.ts';

const LONGEST_BODY = 160;

/** One line for a terminal: time, event type, webhook id, what the signature check said, and the beginning of the body. */
export function arrivalLine(arrival: Arrival): string {
  const time = new Date(arrival.receivedAtMs).toTimeString().slice(0, 8);
  const check = arrival.check.kind === 'verified' ? 'signature verified' : `signature refused: ${arrival.check.reason}`;
  const words = [time, arrival.eventType ?? '(no event type)', arrival.webhookId ?? '(no webhook-id)', check];
  if (arrival.answeredStatus >= 300) words.push(`answered ${arrival.answeredStatus}`);
  return printable([...words, shortened(arrival.body.toString('utf8'))].join('  '));
}

function shortened(text: string): string {
  return text.length <= LONGEST_BODY ? text : `${text.slice(0, LONGEST_BODY)}…`;
}

/** Whoever sends the webhook must not steer the terminal with escape sequences, nor forge lines. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}
