-- A webhook that belongs to its subject, as one URL set on a resource does: there is one at most.
alter table webhooks add column bound boolean not null default false;
create unique index webhooks_bound_subject_key on webhooks (workspace_id, subject) where bound;
