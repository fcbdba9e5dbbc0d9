-- How far an attempt got and how long each part took; null in rows from before, and where an attempt did not get there.
alter table attempts
  add column phase text,
  add column dns_ms integer,
  add column connect_ms integer,
  add column tls_ms integer,
  add column first_byte_ms integer,
  -- Of an attempt whose dispatcher died nobody knows how long it took.
  alter column duration_ms drop not null;

-- An event whose fan-out fails by a fault of ours is tried again later and later, and never holds up others.
alter table pending_fan_outs
  add column faults integer not null default 0,
  add column retry_at timestamptz(3);
