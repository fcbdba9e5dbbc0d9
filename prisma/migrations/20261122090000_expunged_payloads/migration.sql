-- The payload of an event that should not have been published can be taken away; the event stays. Payload and metadata are
-- null from then on. Without a default, this changes the catalogue alone and rewrites no partition.
alter table events
  add column payload_expunged_at timestamptz(3),
  alter column payload drop not null;
