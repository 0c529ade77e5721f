-- name: timescaledb_available
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') AS available

-- name: partitions
SELECT child.relname
FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relkind = 'p' AND child.relkind = 'r'
ORDER BY child.relname

-- name: create_hypertable
SELECT create_hypertable(%(table)s::regclass, %(column)s::name, chunk_time_interval => %(span)s::interval)

-- name: drop_chunks
SELECT drop_chunks(%(table)s::regclass, older_than => %(moment)s::timestamptz)
