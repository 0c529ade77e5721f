-- name: devices
SELECT id, key FROM device WHERE key = ANY (%(keys)s::text[])

-- Only what is not there: a conflict uses up a number, and those of metrics are few.
-- name: register_devices
INSERT INTO device (key, kind)
SELECT key, %(kind)s FROM unnest(%(keys)s::text[]) AS found (key)
WHERE NOT EXISTS (SELECT FROM device WHERE device.key = found.key)
ORDER BY key
ON CONFLICT (key) DO NOTHING

-- name: metrics
SELECT id, name FROM metric WHERE name = ANY (%(names)s::text[])

-- name: register_metrics
INSERT INTO metric (name, kind)
SELECT name, kind FROM unnest(%(names)s::text[], %(kinds)s::text[]) AS found (name, kind)
WHERE NOT EXISTS (SELECT FROM metric WHERE metric.name = found.name)
ORDER BY name
ON CONFLICT (name) DO NOTHING

-- In one order for every writer.
-- name: open_sessions
INSERT INTO device_session (device_id, boot_id, started_at, seen)
SELECT device_id, boot_id, %(now)s, '{}'
FROM unnest(%(devices)s::int4[], %(boots)s::text[]) AS wanted (device_id, boot_id)
ORDER BY device_id, boot_id
ON CONFLICT (device_id, boot_id) DO NOTHING

-- Marks messages as seen; nobody else touches these sessions meanwhile, so a row is found again by its
-- place. Returns how many sessions were there, and of those that are new, or hold one of these
-- numbers, the place among the wanted (from 1) and the numbers held.
-- name: mark_messages
WITH marked AS (
    UPDATE device_session AS session
    SET seen = held.seqs
             + CASE WHEN pg_column_size(held.seen) > 8192 THEN bridged(held.seen) ELSE held.seen END
    FROM (
        SELECT session.ctid, session.seen, wanted.seqs, wanted.nth
        FROM unnest(%(devices)s::int4[], %(boots)s::text[], %(seqs)s::int8multirange[])
             WITH ORDINALITY AS wanted (device_id, boot_id, seqs, nth)
        JOIN device_session AS session USING (device_id, boot_id)
    ) AS held
    WHERE session.ctid = held.ctid
    RETURNING held.nth, isempty(held.seen) AS new, nullif(held.seen * held.seqs, '{}') AS known
)
SELECT counted.marked, told.nth, told.new, told.known
FROM (SELECT count(*) AS marked FROM marked) AS counted
LEFT JOIN (SELECT * FROM marked WHERE new OR known IS NOT NULL) AS told ON true

-- name: write_facts
UPDATE device
SET model = coalesce(nullif(found.model, ''), device.model),
    firmware = coalesce(nullif(found.firmware, ''), device.firmware),
    serial = coalesce(nullif(found.serial, ''), device.serial),
    found_via = coalesce(nullif(found.place, ''), device.found_via)
FROM unnest(%(devices)s::int4[], %(models)s::text[], %(firmwares)s::text[], %(serials)s::text[],
            %(places)s::text[])
     AS found (id, model, firmware, serial, place)
WHERE device.id = found.id
  AND (device.model, device.firmware, device.serial, device.found_via) IS DISTINCT FROM
      (coalesce(nullif(found.model, ''), device.model),
       coalesce(nullif(found.firmware, ''), device.firmware),
       coalesce(nullif(found.serial, ''), device.serial),
       coalesce(nullif(found.place, ''), device.found_via))

-- Locks rows that are there already: a rollup that is under way must not miss what we write now.
-- name: touch
INSERT INTO rollup_touched (device_id, hour)
SELECT device_id, hour
FROM unnest(%(devices)s::int4[], %(hours)s::timestamptz[]) AS touched (device_id, hour)
ORDER BY device_id, hour
ON CONFLICT (device_id, hour) DO UPDATE SET hour = excluded.hour WHERE false

-- name: clocks_known_off
SELECT DISTINCT device_id
FROM device_event
WHERE device_id = ANY (%(devices)s::int4[]) AND code = %(code)s AND at > %(after)s

-- name: count
INSERT INTO intake_count (collector, stored, duplicate, rejected)
VALUES (%(collector)s, %(stored)s, %(duplicate)s, %(rejected)s)
ON CONFLICT (collector) DO UPDATE
SET stored = intake_count.stored + excluded.stored,
    duplicate = intake_count.duplicate + excluded.duplicate,
    rejected = intake_count.rejected + excluded.rejected

-- name: limit_lock_wait
SET LOCAL lock_timeout = '5s'

-- name: forget_sessions
DELETE FROM device_session AS session
WHERE started_at < %(before)s
  AND NOT EXISTS (
      SELECT FROM device_status AS status
      WHERE status.device_id = session.device_id AND status.boot_id = session.boot_id)

-- name: forget_rejected
DELETE FROM rejected_message WHERE received_at < %(before)s

-- name: write_rejected
INSERT INTO rejected_message (received_at, collector, source, body, reason)
SELECT received_at, collector, source, body, reason
FROM unnest(
    %(received_at)s::timestamptz[], %(collector)s::text[], %(source)s::text[], %(body)s::bytea[],
    %(reason)s::text[]
) AS message (received_at, collector, source, body, reason)
ORDER BY source, sha256(body)
ON CONFLICT DO NOTHING
