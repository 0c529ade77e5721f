-- In the order of their ids, so that two writers never wait for each other in a ring.
-- name: lock
SELECT device_id, collector, state, since, reported, component, boot_id, seq, last_seen_at,
       interval_s, due_at, version
FROM device_status
WHERE device_id = ANY (%(devices)s::int4[])
ORDER BY device_id
FOR UPDATE

-- name: make
INSERT INTO device_status (device_id, collector, since)
SELECT device_id, %(collector)s, %(now)s
FROM unnest(%(devices)s::int4[]) AS wanted (device_id)
ORDER BY device_id
ON CONFLICT (device_id) DO NOTHING

-- name: write
UPDATE device_status AS status
SET collector = wanted.collector,
    state = wanted.state,
    since = wanted.since,
    reported = wanted.reported,
    component = wanted.component,
    boot_id = wanted.boot_id,
    seq = wanted.seq,
    last_seen_at = wanted.last_seen_at,
    interval_s = wanted.interval_s,
    due_at = wanted.due_at,
    version = wanted.version
FROM unnest(
    %(device_id)s::int4[], %(collector)s::text[], %(state)s::text[], %(since)s::timestamptz[],
    %(reported)s::text[], %(component)s::text[], %(boot_id)s::text[], %(seq)s::int8[],
    %(last_seen_at)s::timestamptz[], %(interval_s)s::float4[], %(due_at)s::timestamptz[],
    %(version)s::int8[], %(read_version)s::int8[]
) AS wanted (
    device_id, collector, state, since, reported, component, boot_id, seq, last_seen_at,
    interval_s, due_at, version, read_version
)
WHERE status.device_id = wanted.device_id AND status.version = wanted.read_version

-- name: refresh
UPDATE device_status AS status
SET seq = wanted.seq,
    last_seen_at = wanted.last_seen_at,
    interval_s = wanted.interval_s,
    due_at = wanted.due_at
FROM unnest(
    %(device_id)s::int4[], %(seq)s::int8[], %(last_seen_at)s::timestamptz[],
    %(interval_s)s::float4[], %(due_at)s::timestamptz[], %(read_version)s::int8[]
) AS wanted (device_id, seq, last_seen_at, interval_s, due_at, read_version)
WHERE status.device_id = wanted.device_id AND status.version = wanted.read_version

-- name: transitions
INSERT INTO device_transition
    (device_id, from_state, to_state, at, cause, detail, component, version, recorded_at)
SELECT device_id, from_state, to_state, at, cause, detail, component, version, %(now)s
FROM unnest(
    %(device_id)s::int4[], %(from_state)s::text[], %(to_state)s::text[], %(at)s::timestamptz[],
    %(cause)s::text[], %(detail)s::text[], %(component)s::text[], %(version)s::int8[]
) AS made (device_id, from_state, to_state, at, cause, detail, component, version)

-- name: overdue
SELECT status.device_id, status.collector, status.state, status.since, status.reported,
       status.component, status.boot_id, status.seq, status.last_seen_at, status.interval_s,
       status.due_at, status.version, watch.watching_since
FROM device_status AS status
JOIN collector_watch AS watch USING (collector)
WHERE status.state <> 'down' AND status.due_at <= %(now)s AND watch.beat_at >= %(heard_after)s
ORDER BY status.device_id
FOR UPDATE OF status SKIP LOCKED

-- name: free_of_promises
UPDATE device_status SET due_at = NULL WHERE due_at IS NOT NULL

-- name: watched
SELECT device_id, collector, state, since, reported, component, boot_id, seq, last_seen_at,
       interval_s, due_at, version
FROM device_status
WHERE collector = %(collector)s AND state <> 'unwatched'
ORDER BY device_id
FOR UPDATE
