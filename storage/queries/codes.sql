-- Events with a dialect that arrived after `since`, by what they say.
-- name: said
SELECT event.dialect, event.raw_code, event.component, min(event.at) AS first_at,
       max(event.at) AS last_at, min(event.device_id) AS device_id,
       max(event.received_at) AS counted_until,
       count(*) FILTER (WHERE event.received_at > coalesce(known.counted_until, '-infinity'))
           AS seen
FROM device_event AS event
LEFT JOIN unknown_code AS known USING (dialect, raw_code, component)
WHERE event.dialect <> '' AND event.raw_code <> '' AND event.received_at > %(since)s
  AND event.code = event.raw_code  -- kept as it came: no table knew it then
GROUP BY event.dialect, event.raw_code, event.component
ORDER BY event.dialect, event.raw_code, event.component

-- name: note
INSERT INTO unknown_code
    (dialect, raw_code, component, first_at, last_at, seen, counted_until, device_id)
VALUES (%(dialect)s, %(raw_code)s, %(component)s, %(first_at)s, %(last_at)s, %(seen)s,
        %(counted_until)s, %(device_id)s)
ON CONFLICT (dialect, raw_code, component) DO UPDATE
SET first_at = least(unknown_code.first_at, excluded.first_at),
    last_at = greatest(unknown_code.last_at, excluded.last_at),
    seen = unknown_code.seen + excluded.seen,
    counted_until = greatest(unknown_code.counted_until, excluded.counted_until),
    device_id = excluded.device_id

-- Codes that a table has come to know.
-- name: forget
DELETE FROM unknown_code
WHERE dialect = %(dialect)s AND raw_code = %(raw_code)s AND component = %(component)s

-- name: unknown
SELECT unknown_code.dialect, raw_code, component, first_at, last_at, seen, device.key AS device
FROM unknown_code JOIN device ON device.id = unknown_code.device_id
ORDER BY seen DESC, unknown_code.dialect, raw_code, component
