-- Who changed what, when and from where. No foreign keys: entries outlive what they tell of.
create table audit_log (
  id uuid primary key,
  workspace_id uuid,
  actor_type text not null,
  actor_id uuid,
  actor_name text not null,
  action text not null,
  resource_type text not null,
  resource_id text not null,
  changes json not null,
  ip text,
  user_agent text,
  request_id text,
  created_at timestamptz(3) not null default current_timestamp
);
create index audit_log_workspace_id_id_idx on audit_log (workspace_id, id desc);

-- A UUIDv7 of a moment. The 12 bits behind the version are the fraction of its millisecond (RFC 9562, section 6.2,
-- method 3), so that two changes of one thing, which wait for each other, sort in their order.
create function uuidv7_of(moment timestamptz) returns uuid language sql volatile strict parallel safe as $$
  select overlay(
    overlay(gen_random_uuid()::text placing left(uuidv7_floor(moment)::text, 13) from 1 for 13)
    placing '7' || lpad(to_hex(extract(microseconds from moment)::bigint % 1000 * 4096 / 1000), 3, '0') from 15 for 4
  )::uuid
$$;
