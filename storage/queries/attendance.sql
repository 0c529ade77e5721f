-- name: incoming
CREATE TEMPORARY TABLE IF NOT EXISTS attendance_incoming (
    user_ref text, at timestamptz, local_time timestamp, status smallint, punch smallint, nth integer
) ON COMMIT DELETE ROWS

-- A record that is stored already is the same record, read again. What came is gone afterwards: the
-- next clock of the same transaction begins with an empty table.
-- name: take_in
WITH came AS (DELETE FROM attendance_incoming RETURNING *)
INSERT INTO attendance_record
    (device_id, site_id, serial, user_ref, at, local_time, status, punch, nth, stored_at)
SELECT device.id, device.site_id, %(serial)s, user_ref, at, local_time, status, punch, nth, %(now)s
FROM came JOIN device ON device.id = %(device_id)s
ORDER BY user_ref, local_time, status, punch, nth
ON CONFLICT (serial, user_ref, local_time, status, punch, nth) DO NOTHING

-- Records of devices that had no site when they punched, and have one now.
-- name: place
UPDATE attendance_record AS record
SET site_id = site.id, at = record.local_time AT TIME ZONE site.time_zone
FROM device JOIN site ON site.id = device.site_id
WHERE record.device_id = device.id AND record.site_id IS NULL
  AND EXISTS (SELECT FROM pg_timezone_names AS known WHERE known.name = site.time_zone)

-- name: site
SELECT id, key, name, time_zone FROM site WHERE key = %(site)s

-- name: device
SELECT id FROM device WHERE key = %(device)s

-- Records of a period by the clocks' own calendars, oldest first, after the one named. The bounds on
-- `at` let an index find them: no zone is further than a day from UTC.
-- name: page
SELECT record.at, record.local_time, record.serial, record.user_ref, record.status, record.punch,
       record.nth, device.key AS device, coalesce(site.key, '') AS site,
       coalesce(site.time_zone, 'UTC') AS zone
FROM attendance_record AS record
JOIN device ON device.id = record.device_id
LEFT JOIN site ON site.id = record.site_id
WHERE (%(site_id)s::int4 IS NULL OR record.site_id = %(site_id)s)
  AND (%(device_id)s::int4 IS NULL OR record.device_id = %(device_id)s)
  AND record.local_time >= %(first)s::date AND record.local_time < %(last)s::date + 1
  AND record.at >= %(first)s::date - interval '1 day'
  AND record.at < %(last)s::date + interval '2 days'
  AND (%(at)s::timestamptz IS NULL
       OR (record.at, record.serial, record.user_ref, record.local_time, record.status,
           record.punch, record.nth)
        > (%(at)s, %(serial)s::text, %(user_ref)s::text, %(local_time)s::timestamp,
           %(status)s::int2, %(punch)s::int2, %(nth)s::int4))
ORDER BY record.at, record.serial, record.user_ref, record.local_time, record.status,
         record.punch, record.nth
LIMIT %(limit)s

-- Adopted clocks of the site, and their punches by day from `since` on.
-- name: days
SELECT device.id AS device_id, device.key AS device, device.serial, coalesce(site.key, '') AS site,
       coalesce(site.time_zone, 'UTC') AS zone, record.day, record.punches
FROM device
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN LATERAL (
    SELECT local_time::date AS day, count(*) AS punches
    FROM attendance_record
    WHERE device_id = device.id AND at >= %(since)s::date - interval '1 day'
      AND at < %(last)s::date + interval '2 days'
      AND local_time >= %(since)s::date AND local_time < %(last)s::date + 1
    GROUP BY 1
) AS record ON true
WHERE device.kind = 'clock' AND device.adopted_at IS NOT NULL
  AND (%(site_id)s::int4 IS NULL OR device.site_id = %(site_id)s)
  AND (%(device_id)s::int4 IS NULL OR device.id = %(device_id)s)
ORDER BY device.key, record.day

-- When each clock's log was last seen: read whole, or heard from a clock that pushes.
-- name: last_seen
SELECT device.key AS device, device.serial, coalesce(site.key, '') AS site,
       greatest(poll.log_read_at, push.heard_at) AS seen_at, device.adopted_at
FROM device
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN clock_poll AS poll ON poll.device_id = device.id
LEFT JOIN push_clock AS push ON push.device_id = device.id
WHERE device.kind = 'clock' AND device.adopted_at IS NOT NULL
  AND (%(site_id)s::int4 IS NULL OR device.site_id = %(site_id)s)
  AND (%(device_id)s::int4 IS NULL OR device.id = %(device_id)s)
ORDER BY device.key

-- name: clearings
SELECT device.key AS device, device.serial, coalesce(site.key, '') AS site, event.at, event.code
FROM device_event AS event
JOIN device ON device.id = event.device_id
LEFT JOIN site ON site.id = device.site_id
WHERE event.code = ANY (%(codes)s::text[]) AND device.kind = 'clock'
  AND event.at >= %(first)s::date AND event.at < %(last)s::date + interval '1 day'
  AND (%(site_id)s::int4 IS NULL OR device.site_id = %(site_id)s)
  AND (%(device_id)s::int4 IS NULL OR device.id = %(device_id)s)
ORDER BY event.at, device.key
LIMIT 1000

-- name: lacking
SELECT device.key AS device, made.serial, coalesce(site.key, '') AS site, made.day,
       made.claimed - made.stored AS missing
FROM attendance_check AS made
JOIN device ON device.id = made.device_id
LEFT JOIN site ON site.id = device.site_id
WHERE made.claimed > made.stored AND made.day BETWEEN %(first)s AND %(last)s
  AND (%(site_id)s::int4 IS NULL OR device.site_id = %(site_id)s)
  AND (%(device_id)s::int4 IS NULL OR device.id = %(device_id)s)
ORDER BY made.day, device.key

-- name: clocks_to_prove
SELECT device.id AS device_id, device.key AS device, coalesce(site.key, '') AS site,
       log.serial, log.taken_at,
       (SELECT max(event.at) FROM device_event AS event
        WHERE event.device_id = device.id AND event.code = ANY (%(codes)s::text[])) AS cleared_at
FROM device
LEFT JOIN site ON site.id = device.site_id
JOIN clock_log AS log ON log.device_id = device.id AND log.replaced_at IS NULL
JOIN clock_poll AS poll ON poll.device_id = device.id AND poll.serial = log.serial
WHERE (%(site_id)s::int4 IS NULL OR device.site_id = %(site_id)s)
  AND (%(device_id)s::int4 IS NULL OR device.id = %(device_id)s)
ORDER BY device.key

-- name: stored_of_clock
SELECT user_ref, local_time, status, punch, nth
FROM attendance_record
WHERE serial = %(serial)s AND local_time BETWEEN %(first)s AND %(last)s

-- name: checks_to_prove
SELECT device.key AS device, coalesce(site.key, '') AS site, made.serial,
       max(made.checked_at) AS taken_at, sum(made.claimed)::int AS held,
       sum(made.stored)::int AS stored,
       sum(greatest(made.claimed - made.stored, 0))::int AS missing,
       sum(greatest(made.stored - made.claimed, 0))::int AS more
FROM attendance_check AS made
JOIN push_clock AS push ON push.device_id = made.device_id AND push.serial = made.serial
JOIN device ON device.id = made.device_id
LEFT JOIN site ON site.id = device.site_id
WHERE (%(site_id)s::int4 IS NULL OR device.site_id = %(site_id)s)
  AND (%(device_id)s::int4 IS NULL OR device.id = %(device_id)s)
GROUP BY device.key, site.key, made.serial
ORDER BY device.key
