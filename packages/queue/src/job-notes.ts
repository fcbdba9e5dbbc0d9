/** What a delivery's job remembers from one run to the next. */
export interface JobNotes {
  /** Scheduled attempts of the delivery that were recorded when the job was added or put back. */
  readonly scheduledAttempts: number;
  /** How many of the job's stalls have been looked at: BullMQ counts them for as long as the job lives. */
  readonly stallsSeen: number;
  /** How often in a row a fault of ours broke the job. */
  readonly faults: number;
}

const form = /^scheduled attempts (\d+), stalls seen (\d+), faults (\d+)$/;

/**
 * Notes travel as the reason of the job's last failure: the one field that BullMQ writes in the same step that puts a
 * job back. A second command for it would have a gap, in which a dispatcher that dies leaves a job that lies.
 */
export function writeJobNotes({ scheduledAttempts, stallsSeen, faults }: JobNotes): string {
  return `scheduled attempts ${scheduledAttempts}, stalls seen ${stallsSeen}, faults ${faults}`;
}

/**
 * @param failedReason of a job; one that has not been put back yet has none
 * @param scheduledAttempts that were recorded when the job was added
 */
export function readJobNotes(failedReason: string | undefined, scheduledAttempts: number): JobNotes {
  const found = form.exec(failedReason ?? '');
  if (found === null) return { scheduledAttempts, stallsSeen: 0, faults: 0 };
  const [, recorded, stallsSeen, faults] = found.map(Number) as [number, number, number, number];
  return { scheduledAttempts: recorded, stallsSeen, faults };
}
