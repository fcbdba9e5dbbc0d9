import type { SeededRandom } from './random.ts';

/** A webhook of the run. Which events it wants is written twice: for Signpost, and as a rule of our own. */
export interface ChaosWebhook {
  readonly path: string;
  readonly receiver: 0 | 1;
  /** As the API takes it. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The rule by which the run expects events: knows nothing of patterns. */
  readonly wants: (event: ChaosEvent) => boolean;
}

/** An event of the run, made of its number. */
export interface ChaosEvent {
  readonly n: number;
  readonly eventType: string;
  readonly subject: string | null;
  readonly channels: readonly string[];
}

const callTypes = ['call.started', 'call.ended', 'call.recording.ready'];
const otherTypes = ['call', 'invoice.paid', 'invoice.paid.late', 'callback.asked'];

/** No request of the run waits longer than this for its answer, in ms. */
export const attemptTimeoutMs = 1000;
/** More entries than a delivery can use up: receivers take each at the latest after `maxRefusals`. */
export const retrySchedule = Array.from({ length: 20 }, (_, index) => (index < 15 ? 1 : 2));

export const webhooks: readonly ChaosWebhook[] = [
  { path: '/all', receiver: 0, fields: { events: ['*'] }, wants: () => true },
  { path: '/calls', receiver: 1, fields: { events: ['call.*'] }, wants: event => callTypes.includes(event.eventType) },
  {
    path: '/invoices',
    receiver: 0,
    fields: { events: ['invoice.paid', 'call'] },
    wants: ({ eventType }) => eventType === 'invoice.paid' || eventType === 'call',
  },
  {
    path: '/north',
    receiver: 1,
    fields: { events: ['*'], channels: ['north', 'east'] },
    wants: ({ channels }) => channels.some(channel => channel === 'north' || channel === 'east'),
  },
  {
    path: '/agent-1',
    receiver: 0,
    fields: { events: ['call.ended', 'invoice.*'], subject: 'agent-1' },
    wants: ({ eventType, subject }) =>
      subject === 'agent-1' && ['call.ended', 'invoice.paid', 'invoice.paid.late'].includes(eventType),
  },
  {
    path: '/agent-2-south',
    receiver: 1,
    fields: { events: ['call.recording.*', 'call.started'], subject: 'agent-2', channels: ['south'] },
    wants: ({ eventType, subject, channels }) =>
      subject === 'agent-2' &&
      channels.includes('south') &&
      (eventType === 'call.recording.ready' || eventType === 'call.started'),
  },
  { path: '/nothing', receiver: 1, fields: { events: ['call.lost', 'recording.*'] }, wants: () => false },
];

/** The event of a number: the same seed gives the same event. Pure. */
export function makeEvent(random: SeededRandom, n: number): ChaosEvent {
  const drawn = random.fork(`event ${n}`);
  return {
    n,
    eventType: drawn.pick(drawn.chance(0.5) ? callTypes : otherTypes),
    subject: drawn.pick([null, 'agent-1', 'agent-2']),
    channels: ['north', 'east', 'south'].filter(() => drawn.chance(0.3)),
  };
}

/** Its data, which nobody needs to keep. Receivers tell by `n` which event it is. Pure. */
export function makeData(random: SeededRandom, n: number): Readonly<Record<string, unknown>> {
  const drawn = random.fork(`data ${n}`);
  return { n, text: 'ü'.repeat(drawn.between(0, 300)), exact: drawn.next() };
}
