-- Clocks whose pattern was never learnt, or long ago.
-- name: stale
SELECT device.id
FROM device
LEFT JOIN punch_pattern AS pattern ON pattern.device_id = device.id
WHERE device.kind = 'clock' AND (pattern.made_at IS NULL OR pattern.made_at <= %(stale)s)
ORDER BY pattern.made_at NULLS FIRST, device.id
LIMIT %(limit)s

-- Punches by hour of the clock's own wall, and since when any are known, by the same.
-- name: hours
WITH clock AS MATERIALIZED (
    SELECT id, (SELECT local_time FROM attendance_record
                WHERE device_id = id ORDER BY at LIMIT 1) AS since
    FROM unnest(%(devices)s::int4[]) AS wanted (id)
)
SELECT clock.id AS device_id, clock.since, date_trunc('hour', local_time) AS hour, count(*) AS n
FROM clock
JOIN attendance_record AS record ON record.device_id = clock.id
WHERE record.at >= %(start)s AND record.at < %(end)s
GROUP BY clock.id, clock.since, hour

-- name: learnt
INSERT INTO punch_pattern (device_id, made_at, expected)
VALUES (%(device_id)s, %(now)s, %(expected)s)
ON CONFLICT (device_id) DO UPDATE SET made_at = excluded.made_at, expected = excluded.expected

-- Clocks that can be reached and whose pattern is known, with their last punch.
-- name: watched
SELECT device.id, device.key, coalesce(site.time_zone, 'UTC') AS time_zone, pattern.expected,
       pattern.silent_since, last.at AS last_at
FROM punch_pattern AS pattern
JOIN device ON device.id = pattern.device_id
JOIN device_status AS status ON status.device_id = device.id AND status.state = 'up'
LEFT JOIN site ON site.id = device.site_id
CROSS JOIN LATERAL (
    SELECT max(at) AS at FROM attendance_record
    WHERE device_id = device.id AND at <= %(now)s  -- a wrong clock's records may lie ahead
) AS last
WHERE cardinality(pattern.expected) > 0 AND last.at IS NOT NULL
ORDER BY device.id

-- Who sets or ends a silence says so: another worker that saw the same gets no row.
-- name: fall_silent
UPDATE punch_pattern SET silent_since = %(since)s
WHERE device_id = %(device_id)s AND silent_since IS NULL
RETURNING device_id

-- name: speak_again
UPDATE punch_pattern SET silent_since = NULL
WHERE device_id = %(device_id)s AND silent_since IS NOT NULL
RETURNING device_id
