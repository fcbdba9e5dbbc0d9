create type delivery_status as enum ('pending', 'succeeded', 'failed', 'cancelled');
create type attempt_trigger as enum ('scheduled', 'manual', 'test', 'replay');
create type attempt_status as enum ('succeeded', 'failed');

create table workspaces (
  id uuid primary key,
  name text not null,
  contract text not null default 'standard',
  webhooks_revision bigint not null default 1,
  catalogue_revision bigint not null default 1,
  created_at timestamptz(3) not null default current_timestamp
);
create unique index workspaces_name_key on workspaces (name);

create table api_keys (
  id uuid primary key,
  workspace_id uuid not null references workspaces (id) on delete cascade on update no action,
  name text not null,
  scopes text[],
  secret_hash bytea not null,
  secret_hint text not null,
  created_at timestamptz(3) not null default current_timestamp,
  revoked_at timestamptz(3)
);
create unique index api_keys_secret_hash_key on api_keys (secret_hash);
create index api_keys_workspace_id_id_idx on api_keys (workspace_id, id);

create table event_types (
  workspace_id uuid not null references workspaces (id) on delete cascade on update no action,
  name text not null,
  description text,
  schema json,
  example json,
  created_at timestamptz(3) not null default current_timestamp,
  updated_at timestamptz(3) not null default current_timestamp,
  primary key (workspace_id, name)
);

create table webhooks (
  id uuid primary key,
  workspace_id uuid not null references workspaces (id) on delete cascade on update no action,
  url text not null,
  event_types text[],
  description text,
  contract text,
  method text,
  headers json not null default '{}',
  timeout_ms integer,
  retry_schedule json,
  subject text,
  channels text[] default array[]::text[],
  metadata json not null default '{}',
  active boolean not null default true,
  deactivated_reason text,
  version integer not null default 1,
  created_at timestamptz(3) not null default current_timestamp,
  updated_at timestamptz(3) not null default current_timestamp
);
create index webhooks_workspace_id_id_idx on webhooks (workspace_id, id);

create table webhook_secrets (
  id uuid primary key,
  webhook_id uuid not null references webhooks (id) on delete cascade on update no action,
  sealed bytea not null,
  key_id text not null,
  created_at timestamptz(3) not null default current_timestamp,
  expires_at timestamptz(3)
);
create index webhook_secrets_webhook_id_idx on webhook_secrets (webhook_id);

create table events (
  id uuid primary key,
  workspace_id uuid not null,
  event_type text not null,
  occurred_at timestamptz(3) not null,
  payload text not null,
  metadata text,
  subject text,
  channels text[] default array[]::text[],
  created_at timestamptz(3) not null default current_timestamp
) partition by range (id);
create index events_workspace_id_id_idx on events (workspace_id, id desc);

create table idempotency_keys (
  workspace_id uuid not null,
  key text not null,
  event_id uuid not null,
  fingerprint bytea not null,
  created_at timestamptz(3) not null default current_timestamp,
  primary key (workspace_id, key)
);
create index idempotency_keys_created_at_idx on idempotency_keys using brin (created_at);

-- A row lives here for milliseconds: vacuum early, or the table is mostly dead rows.
create table pending_fan_outs (
  event_id uuid primary key,
  created_at timestamptz(3) not null default current_timestamp
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);

create table deliveries (
  id uuid primary key,
  workspace_id uuid not null,
  event_id uuid not null,
  webhook_id uuid not null,
  event_type text not null,
  status delivery_status not null default 'pending',
  attempt_count integer not null default 0,
  scheduled_attempt_count integer not null default 0,
  next_attempt_at timestamptz(3),
  manual_retry_at timestamptz(3),
  last_response_code integer,
  test boolean not null default false,
  created_at timestamptz(3) not null default current_timestamp,
  completed_at timestamptz(3)
) partition by range (id);
create index deliveries_workspace_id_id_idx on deliveries (workspace_id, id desc);
create index deliveries_webhook_id_id_idx on deliveries (webhook_id, id desc);
-- What the repairer reads: deliveries that wait for an attempt, by due time.
create index deliveries_due_idx on deliveries (next_attempt_at) where status = 'pending';
create index deliveries_manual_retry_idx on deliveries (manual_retry_at) where manual_retry_at is not null;

create table attempts (
  delivery_id uuid not null,
  number integer not null,
  id uuid not null,
  trigger attempt_trigger not null,
  started_at timestamptz(3) not null,
  duration_ms integer not null,
  status attempt_status not null,
  response_code integer,
  error_code text,
  error_message text,
  request_method text not null,
  request_url text not null,
  request_headers text not null,
  response_headers text,
  response_body text,
  response_body_truncated boolean not null default false,
  primary key (delivery_id, number)
) partition by range (delivery_id);

-- The smallest UUIDv7 of a moment: its first 48 bits are Unix milliseconds (RFC 9562, section 5.7).
create function uuidv7_floor(moment timestamptz) returns uuid language sql immutable strict parallel safe as $$
  select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the partitions of a day, of all three tables. Rows of that day that fell into a default partition (clock far
-- ahead, maintenance away for days) are moved. Safe to call at any time and from several places.
create function ensure_day_partitions(day date) returns void language plpgsql as $$
declare
  lower_bound uuid := uuidv7_floor(day::timestamp at time zone 'UTC');
  upper_bound uuid := uuidv7_floor((day + 1)::timestamp at time zone 'UTC');
  parent text;
  key_column text;
  partition text;
begin
  perform pg_advisory_xact_lock(hashtext('signpost.partitions'));
  foreach parent in array array['events', 'deliveries', 'attempts'] loop
    partition := parent || '_' || to_char(day, 'YYYYMMDD');
    continue when to_regclass(partition) is not null;
    key_column := case parent when 'attempts' then 'delivery_id' else 'id' end;
    execute format('create table %I (like %I including defaults)', partition, parent);
    if parent = 'deliveries' then
      -- Deliveries are updated at least once: room on the page keeps the new version beside the old one.
      execute format('alter table %I set (fillfactor = 70)', partition);
    end if;
    execute format(
      'with moved as (delete from %I where %I >= %L and %I < %L returning *) insert into %I select * from moved',
      parent || '_default', key_column, lower_bound, key_column, upper_bound, partition);
    execute format('alter table %I attach partition %I for values from (%L) to (%L)',
      parent, partition, lower_bound, upper_bound);
  end loop;
end $$;

create table events_default partition of events default;
create table deliveries_default partition of deliveries default;
create table attempts_default partition of attempts default;
select ensure_day_partitions((current_timestamp at time zone 'UTC')::date + n) from generate_series(-1, 7) as n;
