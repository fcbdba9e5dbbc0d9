import type { FindingKind } from './findings.ts';

/**
 * What is damaged, by statements, and the finding that tells of it. `:event`, `:webhook`, `:delivery` stand for ids of a settled
 * delivery, `:new` for a fresh one.
 */
export const damages: readonly (readonly [FindingKind, ...string[]])[] = [
  ['delivery_missing', 'delete from attempts', 'delete from deliveries'],
  ['delivery_unexpected', `update webhooks set event_types = '{call.*}' where id = :webhook`],
  ['delivery_id_wrong', 'update deliveries set id = :new', 'update attempts set delivery_id = :new'],
  ['delivery_without_event', 'delete from events'],
  ['delivery_foreign', `update events set event_type = 'call.ended'`],
  ['attempt_without_delivery', 'insert into pending_fan_outs (event_id) values (:event)', 'delete from deliveries'],
  ['attempt_count_wrong', 'delete from attempts where number = 2', `update deliveries set status = 'pending'`],
  ['attempt_numbers_wrong', 'update attempts set number = 3 where number = 1'],
  ['scheduled_count_wrong', 'update deliveries set scheduled_attempt_count = 1'],
  ['succeeded_without_success', `update attempts set status = 'failed'`],
  ['success_not_final', `update deliveries set status = 'failed'`],
  ['failed_without_attempt', 'delete from attempts', `update deliveries set status = 'failed', attempt_count = 0`],
  ['final_incomplete', 'update deliveries set completed_at = null'],
  ['final_incomplete', 'update deliveries set next_attempt_at = now()'],
  ['pending_incomplete', `update deliveries set status = 'pending'`, `update attempts set status = 'failed'`],
  ['attempt_after_success', `update attempts set status = 'succeeded' where number = 1`],
  ['schedule_exceeded', `update webhooks set retry_schedule = '[]' where id = :webhook`],
  ['event_late', `insert into pending_fan_outs (event_id, created_at) values (:event, now() - interval '61 s')`],
  [
    'delivery_late',
    `update deliveries set status = 'pending', next_attempt_at = now() - interval '121 s', completed_at = null`,
  ],
  ['manual_retry_late', `update deliveries set manual_retry_at = now() - interval '61 s'`],
];
