import { type AuditReport, type Finding, type FindingExample, findingTexts } from '@signpost/database';
import { formatId } from '@signpost/runtime';

/** All that an audit has found out. */
export interface AuditResult extends AuditReport {
  /** Pending deliveries that were looked for in Redis; null: it was not looked at. */
  readonly pendingDeliveries: number | null;
  readonly durationMs: number;
}

/** The result as a JSON document; its names and the kinds of findings are stable. Pure. */
export function auditJson(result: AuditResult): string {
  const document = {
    clean: result.findings.length === 0,
    windows: result.windows,
    events: result.events,
    events_waiting: result.eventsWaiting,
    deliveries: result.deliveries,
    attempts: result.attempts,
    expected_deliveries: result.expectedDeliveries,
    pending_deliveries: result.pendingDeliveries,
    duration_ms: Math.round(result.durationMs),
    findings: result.findings.map(({ kind, count, examples }) => ({
      kind,
      text: findingTexts[kind],
      count,
      examples: examples.map(publicIds),
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The result for people. Pure. */
export function auditText(result: AuditResult): string {
  const lines = [
    `${result.events} events, ${result.eventsWaiting} of them not fanned out yet; ${result.deliveries} deliveries, ${result.attempts} attempts`,
    `${result.expectedDeliveries} deliveries were expected of webhooks that have not changed since before the event`,
    result.pendingDeliveries === null
      ? 'REDIS_URL is not set: Redis was not looked at'
      : `${result.pendingDeliveries} pending deliveries were looked for in Redis`,
    `read in ${(result.durationMs / 1000).toFixed(1)} s, in ${result.windows} transactions`,
  ];
  if (result.findings.length === 0) return `${[...lines, '', 'Nothing found.'].join('\n')}\n`;
  return `${[...lines, ...result.findings.flatMap(finding => ['', ...findingLines(finding)])].join('\n')}\n`;
}

/** A finding for people: its kind and count, then its examples. Pure. */
export function findingLines({ kind, count, examples }: Finding): string[] {
  const shown = examples.map(example => `  ${Object.values(publicIds(example)).join('  ')}`);
  const rest = count - examples.length;
  return [
    `${kind}: ${count} ${findingTexts[kind]}`,
    ...shown,
    ...(rest > 0 && shown.length > 0 ? [`  and ${rest} more`] : []),
  ];
}

function publicIds({ delivery, event, webhook, detail }: FindingExample): Record<string, string> {
  return {
    ...(delivery === undefined ? {} : { delivery: formatId('delivery', delivery) }),
    ...(event === undefined ? {} : { event: formatId('event', event) }),
    ...(webhook === undefined ? {} : { webhook: formatId('webhook', webhook) }),
    ...(detail === undefined ? {} : { detail }),
  };
}
