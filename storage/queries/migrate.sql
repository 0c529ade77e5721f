-- name: lock
SELECT pg_advisory_xact_lock(hashtext('forecall.migrate'))

-- name: create_table
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: table_exists
SELECT to_regclass('schema_migration') IS NOT NULL AS there

-- name: applied
SELECT name, sha256 FROM schema_migration

-- name: record
INSERT INTO schema_migration (name, sha256) VALUES (%(name)s, %(sha256)s)
