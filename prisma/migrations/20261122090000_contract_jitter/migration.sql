-- A wait grows by a tenth at most. The document is text whose members keep their order, so the number alone is replaced.
update contracts
set document = regexp_replace(document::text, '("retry"\s*:\s*\{[^{}]*"jitter_ratio"\s*:\s*)[-+.0-9eE]+', '\10.1')::json
where (document -> 'retry' ->> 'jitter_ratio')::numeric > 0.1;
