import { parseArgs } from 'node:util';
import { parseId } from '@signpost/runtime';

export const auditHelp = `npm run audit [-- options]

Compares what was accepted with what was made of it, on a live installation. Reads only: a database role that may do
nothing but select will do.

Options
  --since <time>           only events from then on: 2026-11-21, 2026-11-21T09:30:00Z; also 24h, 90m: that long ago
  --until <time>           only events before then
  --workspace <id>         only this workspace: ws_...
  --late-events <s>        events in the outbox, and manual retries, are late after this (60)
  --late-deliveries <s>    deliveries are late when overdue by this (120)
  --change-margin <s>      a webhook counts for an event if it has not changed since this long before it (30)
  --json                   one JSON document
  --help

Settings, from the environment
  DATABASE_URL             postgresql://user:password@host:5432/signpost
  REDIS_URL                redis://host:6379; not set: what waits in Redis is not looked at

Exit code 0: nothing found. 1: something found. 2: it could not be done.
`;

export interface AuditCommand {
  readonly kind: 'audit';
  readonly json: boolean;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  readonly workspaceId: string | null;
  readonly lateEventsMs: number;
  readonly lateDeliveriesMs: number;
  readonly changeMarginMs: number;
}

export type AuditArguments =
  | AuditCommand
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly reason: string };

/** Reads the command line. Pure. */
export function readAuditArguments(args: readonly string[], nowMs: number): AuditArguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        since: { type: 'string' },
        until: { type: 'string' },
        workspace: { type: 'string' },
        'late-events': { type: 'string', default: '60' },
        'late-deliveries': { type: 'string', default: '120' },
        'change-margin': { type: 'string', default: '30' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    return {
      kind: 'audit',
      json: values.json,
      sinceMs: readTime('--since', values.since, nowMs),
      untilMs: readTime('--until', values.until, nowMs),
      workspaceId: readWorkspace(values.workspace),
      lateEventsMs: readSeconds('--late-events', values['late-events']),
      lateDeliveriesMs: readSeconds('--late-deliveries', values['late-deliveries']),
      changeMarginMs: readSeconds('--change-margin', values['change-margin']),
    };
  } catch (error) {
    return { kind: 'wrong', reason: (error as Error).message };
  }
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function readTime(option: string, text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs];
  const ms = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new Error(`${option} must be a time such as 2026-11-21T09:30:00Z or 24h`);
  return ms;
}

function readSeconds(option: string, text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !Number.isFinite(seconds) || seconds < 0)
    throw new Error(`${option} must be a number of seconds`);
  return seconds * 1000;
}

function readWorkspace(text: string | undefined): string | null {
  if (text === undefined) return null;
  const id = parseId('workspace', text);
  if (id === null) throw new Error('--workspace must be the id of a workspace: ws_ and 26 digits');
  return id;
}
