import {
  type Database,
  type Finding,
  listPendingDeliveries,
  loadDeliveries,
  type PendingCursor,
} from '@signpost/database';
import type { QueueAudit } from '@signpost/queue';
import { setTimeout as delay } from 'node:timers/promises';

const pageSize = 1000;
const maxExamples = 20;
/** Longer than any delivery may wait: the longest schedule is 20 times 7 days. */
const forEverMs = 366 * 86_400_000;
/** Between the commit of a delivery and its job are milliseconds: what has no job after this again has lost it. */
const secondLookMs = 3000;

/** Looks for pending deliveries without a job. @returns findings, and how many pending deliveries there were */
export async function auditQueue(
  database: Database,
  queue: QueueAudit,
  workspaceId: string | null,
): Promise<{ pending: number; findings: Finding[] }> {
  const findings: Finding[] = [];
  if (!(await queue.isComplete())) findings.push({ kind: 'queue_incomplete', count: 1, examples: [] });
  let pending = 0;
  const suspects: string[] = [];
  for (let after: PendingCursor | null = null; ; ) {
    const { deliveries, next } = await listPendingDeliveries(database, forEverMs, after, pageSize);
    pending += deliveries.length;
    suspects.push(...(await queue.withoutJob(deliveries.map(delivery => delivery.id))));
    if (next === null) break;
    after = next;
  }
  const lost = suspects.length === 0 ? [] : await lookAgain(database, queue, suspects, workspaceId);
  if (lost.length > 0)
    findings.push({
      kind: 'delivery_without_job',
      count: lost.length,
      examples: lost.slice(0, maxExamples).map(id => ({ delivery: id })),
    });
  return { pending, findings };
}

/** Of these, those that are still pending, and still have no job. */
async function lookAgain(
  database: Database,
  queue: QueueAudit,
  suspects: readonly string[],
  workspaceId: string | null,
): Promise<string[]> {
  await delay(secondLookMs);
  const lost: string[] = [];
  for (let start = 0; start < suspects.length; start += pageSize) {
    const page = suspects.slice(start, start + pageSize);
    const missing = new Set(await queue.withoutJob(page));
    // Read after Redis: one that has ended in between is not pending now.
    for (const delivery of await loadDeliveries(database, page))
      if (
        missing.has(delivery.id) &&
        delivery.status === 'pending' &&
        (workspaceId === null || delivery.workspaceId === workspaceId)
      )
        lost.push(delivery.id);
  }
  return lost;
}
