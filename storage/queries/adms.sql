-- name: find
SELECT push.device_id, device.key, push.serial, device.adopted_at IS NOT NULL AS adopted,
       device.simulated, site.time_zone, push.heard_at, push.greeted_at, push.told_offset_s,
       push.push_version, push.stamps, push.options, push.counts, push.last_errors, push.seq
FROM push_clock AS push
JOIN device ON device.id = push.device_id
LEFT JOIN site ON site.id = device.site_id
WHERE push.serial = %(serial)s
FOR UPDATE OF push

-- Devices that the serial number may stand for: the one that was given it, else the one named by it.
-- name: owners
SELECT id, key, serial
FROM device
WHERE (serial = %(serial)s AND kind = 'clock') OR key = %(serial)s
ORDER BY serial = %(serial)s DESC, adopted_at IS NOT NULL DESC, id
LIMIT 1

-- name: add_device
INSERT INTO device (key, kind, serial) VALUES (%(serial)s, 'clock', %(serial)s)
ON CONFLICT (key) DO UPDATE SET key = excluded.key
RETURNING id

-- name: strangers
SELECT count(*) FILTER (
           WHERE push.address = %(address)s AND push.first_seen_at > %(since)s
       ) AS of_address,
       count(*) AS of_all
FROM push_clock AS push JOIN device ON device.id = push.device_id
WHERE device.adopted_at IS NULL

-- A device that another clock pushed for has got a new clock: all of its log is asked for.
-- name: register
INSERT INTO push_clock (device_id, serial, address, first_seen_at)
VALUES (%(device_id)s, %(serial)s, %(address)s, %(now)s)
ON CONFLICT (device_id) DO UPDATE
SET serial = excluded.serial, address = excluded.address, first_seen_at = excluded.first_seen_at,
    greeted_at = NULL, told_offset_s = NULL, stamps = '{}', options = '{}', last_errors = ''
WHERE push_clock.serial <> excluded.serial

-- name: save
UPDATE push_clock
SET heard_at = %(heard_at)s, greeted_at = %(greeted_at)s, told_offset_s = %(told_offset_s)s,
    push_version = %(push_version)s, stamps = %(stamps)s, options = %(options)s,
    counts = %(counts)s, last_errors = %(last_errors)s, seq = %(seq)s
WHERE device_id = %(device_id)s

-- Which of these punches are stored already.
-- name: known_punches
SELECT DISTINCT record.local_time
FROM attendance_record AS record
JOIN unnest(%(users)s::text[], %(times)s::timestamp[], %(statuses)s::int2[], %(punches)s::int2[])
     AS came (user_ref, local_time, status, punch)
     USING (user_ref, local_time, status, punch)
WHERE record.serial = %(serial)s

-- Of what this call stored, the records that a finger made.
-- name: new_by_finger
SELECT count(*) AS verified FROM attendance_record
WHERE device_id = %(device_id)s AND serial = %(serial)s AND at BETWEEN %(first)s AND %(last)s
  AND stored_at = %(now)s AND status = %(finger)s

-- Asks for single seconds anew, unless that was done, or much is to be asked already.
-- name: ask_again
INSERT INTO push_command
    (device_id, kind, first_local, last_local, asked_by, queued_at, not_before)
SELECT %(device_id)s, 'QUERY', second, second, 'forecall', %(now)s, %(not_before)s
FROM unnest(%(seconds)s::timestamp[]) AS second
WHERE NOT EXISTS (
          SELECT FROM push_command AS command
          WHERE command.device_id = %(device_id)s AND command.kind = 'QUERY'
            AND command.first_local = second AND command.last_local = second)
  AND (SELECT count(*) FROM push_command AS command
       WHERE command.device_id = %(device_id)s AND command.sent_at IS NULL) < %(most)s

-- name: take_operations
INSERT INTO push_operation (device_id, serial, local_time, kind, details, nth, stored_at)
SELECT %(device_id)s, %(serial)s, local_time, kind, details, nth, %(now)s
FROM unnest(%(times)s::timestamp[], %(kinds)s::int4[], %(details)s::text[], %(nths)s::int4[])
     AS came (local_time, kind, details, nth)
ORDER BY local_time, kind, details, nth
ON CONFLICT DO NOTHING
RETURNING local_time, kind, details, nth

-- name: ask
INSERT INTO push_command
    (device_id, kind, first_local, last_local, asked_by, queued_at, not_before)
VALUES (%(device_id)s, %(kind)s, %(first)s, %(last)s, %(asked_by)s, %(now)s, %(now)s)
RETURNING id

-- name: of_key
SELECT push.device_id FROM push_clock AS push
JOIN device ON device.id = push.device_id
WHERE device.key = %(key)s AND device.adopted_at IS NOT NULL

-- name: any
SELECT FROM push_clock JOIN device ON device.id = push_clock.device_id
WHERE device.adopted_at IS NOT NULL LIMIT 1

-- name: asked_since
SELECT count(*) AS asked FROM push_command
WHERE device_id = %(device_id)s AND kind = %(kind)s AND queued_at > %(since)s

-- name: next_commands
UPDATE push_command AS command
SET sent_at = %(now)s
FROM (
    SELECT id FROM push_command
    WHERE device_id = %(device_id)s AND sent_at IS NULL AND not_before <= %(now)s
    ORDER BY id LIMIT %(limit)s
    FOR UPDATE
) AS next
WHERE command.id = next.id
RETURNING command.id, command.kind, command.first_local, command.last_local

-- A command is answered once; what another clock was asked is none of this one's.
-- name: answered
UPDATE push_command
SET answered_at = %(now)s, return_code = %(return_code)s, answer = %(answer)s
WHERE id = %(id)s AND device_id = %(device_id)s AND sent_at IS NOT NULL AND answered_at IS NULL
RETURNING id, kind, first_local, last_local

-- name: stored_between
SELECT count(*) AS stored FROM attendance_record
WHERE serial = %(serial)s AND device_id = %(device_id)s
  AND local_time BETWEEN %(first)s AND %(last)s
  -- No zone is further than that from UTC; by `at` there is an index.
  AND at >= (%(first)s::timestamp AT TIME ZONE 'UTC') - interval '1 day'
  AND at <= (%(last)s::timestamp AT TIME ZONE 'UTC') + interval '1 day'

-- name: write_check
INSERT INTO attendance_check (device_id, serial, day, claimed, stored, checked_at)
VALUES (%(device_id)s, %(serial)s, %(day)s, %(claimed)s, %(stored)s, %(now)s)
ON CONFLICT (serial, day) DO UPDATE
SET device_id = excluded.device_id, claimed = excluded.claimed, stored = excluded.stored,
    rounds = attendance_check.rounds + 1, checked_at = excluded.checked_at
RETURNING rounds

-- Adopted clocks that were greeted and heard lately, and did not say that they can't count.
-- name: provable
SELECT push.device_id, site.time_zone
FROM push_clock AS push
JOIN device ON device.id = push.device_id AND device.adopted_at IS NOT NULL
LEFT JOIN site ON site.id = device.site_id
WHERE push.greeted_at IS NOT NULL AND push.heard_at > %(heard_after)s
  AND NOT EXISTS (
      SELECT FROM push_command AS command
      WHERE command.device_id = push.device_id AND command.kind = 'VERIFY'
        AND command.return_code = %(not_supported)s AND command.queued_at > %(refused_after)s)

-- Days before each clock's today that were not checked yet and about which nothing is being asked.
-- name: unchecked_days
SELECT push.device_id, past.day::date AS day
FROM unnest(%(devices)s::int4[], %(todays)s::date[]) AS there (device_id, today)
JOIN push_clock AS push USING (device_id)
CROSS JOIN LATERAL generate_series(
    there.today - %(days)s::int, there.today - 1, interval '1 day'
) AS past (day)
WHERE NOT EXISTS (
      SELECT FROM attendance_check AS made
      WHERE made.serial = push.serial AND made.day = past.day::date
        AND (made.claimed <= made.stored OR made.rounds >= %(rounds)s))
  AND NOT EXISTS (
      SELECT FROM push_command AS command
      WHERE command.device_id = push.device_id AND command.kind IN ('VERIFY', 'QUERY')
        AND command.first_local::date = past.day::date
        AND command.queued_at > %(asked_after)s
        AND (command.answered_at IS NULL OR command.return_code < 0))
ORDER BY push.device_id, past.day
LIMIT %(limit)s

-- name: forget_commands
DELETE FROM push_command WHERE queued_at < %(before)s

-- name: forget_operations
DELETE FROM push_operation WHERE stored_at < %(before)s
