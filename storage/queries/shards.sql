-- One collector after the other: the sharing is decided by what all of them see.
-- name: in_turn
SELECT pg_advisory_xact_lock(hashtext('forecall.shards'))

-- name: describe
INSERT INTO collector_shard (name, filters) VALUES (%(name)s, %(filters)s::text[])
ON CONFLICT (name) DO UPDATE SET filters = excluded.filters
WHERE collector_shard.filters <> excluded.filters

-- name: forget_dead
DELETE FROM collector_worker WHERE leased_until <= clock_timestamp()

-- name: be_alive
INSERT INTO collector_worker (owner, joined_at, leased_until)
VALUES (%(owner)s, clock_timestamp(), clock_timestamp() + %(lease_s)s * interval '1 second')
ON CONFLICT (owner) DO UPDATE SET leased_until = excluded.leased_until

-- name: workers
SELECT owner FROM collector_worker ORDER BY joined_at, owner

-- A lease that has run out is still ours while nobody has taken it.
-- name: renew
UPDATE collector_shard
SET leased_until = clock_timestamp() + %(lease_s)s * interval '1 second'
WHERE owner = %(owner)s AND name = ANY (%(names)s::text[])
RETURNING name

-- name: claim
UPDATE collector_shard
SET owner = %(owner)s, leased_until = clock_timestamp() + %(lease_s)s * interval '1 second'
WHERE name IN (
    SELECT name FROM collector_shard
    WHERE name = ANY (%(names)s::text[])
      AND (owner IS NULL OR leased_until <= clock_timestamp())
    ORDER BY name
    LIMIT %(most)s
)
RETURNING name

-- name: give_up
UPDATE collector_shard SET owner = NULL, leased_until = NULL
WHERE owner = %(owner)s AND name = ANY (%(names)s::text[])

-- name: leave
DELETE FROM collector_worker WHERE owner = %(owner)s

-- name: unleased
SELECT name FROM collector_shard
WHERE owner IS NULL OR leased_until <= clock_timestamp()
ORDER BY name

-- name: shards
SELECT name, filters, CASE WHEN leased_until > clock_timestamp() THEN owner END AS holder
FROM collector_shard ORDER BY name

-- name: forget
DELETE FROM collector_shard WHERE name = %(name)s
