-- Until when the receiver of a webhook asked, with `Retry-After`, to be left alone. Changes with answers, not with settings:
-- it raises no version.
alter table webhooks add column retry_after timestamptz(3);
