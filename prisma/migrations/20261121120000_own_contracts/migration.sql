-- A contract's document never changes: a change is a new version, and one that is deleted stays for the deliveries that
-- began with it.
create table contracts (
  workspace_id uuid not null references workspaces (id) on delete cascade on update no action,
  name text not null,
  version integer not null,
  document json not null,
  created_at timestamptz(3) not null default current_timestamp,
  deleted_at timestamptz(3),
  primary key (workspace_id, name, version)
);

-- Which contract a delivery began with; version 0: it came with Signpost. Null: the delivery is older than this column.
-- Without a default, this changes the catalogue alone and rewrites no partition.
alter table deliveries add column contract text, add column contract_version integer;
