-- name: choose
-- A schema that stands keeps its engine; a new one takes TimescaleDB where the server offers it.
SELECT CASE relkind WHEN 'p' THEN 'postgresql' WHEN 'r' THEN 'timescaledb' END AS standing,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') AS available
FROM (SELECT 1) AS always
LEFT JOIN pg_class ON pg_class.oid = to_regclass('reading')

-- name: partitions
SELECT child.relname
FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relkind = 'p' AND child.relkind = 'r'
ORDER BY child.relname

-- Who makes pieces waits for who makes some now, and nobody else waits for either.
-- name: one_makes_pieces
LOCK TABLE reading, device_event, rollup_hourly, prediction, shadow_prediction
IN SHARE UPDATE EXCLUSIVE MODE

-- name: create_hypertable
SELECT create_hypertable(%(table)s::regclass, %(column)s::name, chunk_time_interval => %(span)s::interval)

-- name: drop_chunks
SELECT drop_chunks(%(table)s::regclass, older_than => %(moment)s::timestamptz)
