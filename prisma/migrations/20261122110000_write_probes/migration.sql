-- What a process writes, and takes back in the same step, to see whether Postgres can write at all. A row has a page to
-- itself and none stays, so each of them wants room on the disk, as the row of an event does. Vacuum gives the pages back.
create table write_probes (
  filling text not null
) with (fillfactor = 10, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0);
