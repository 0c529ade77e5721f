-- Calls, and who calls.

-- name: sites
SELECT si.id, si.key, si.name, si.city, si.phone, c.name AS customer,
       (SELECT count(*) FROM device d WHERE d.site_id = si.id AND d.adopted_at IS NOT NULL)
           AS devices
  FROM site si JOIN customer c ON c.id = si.customer_id
 WHERE si.disabled_at IS NULL
   AND (concat_ws(' ', si.key, si.name, si.city, c.key, c.name) ILIKE '%%' || %(search)s || '%%'
        OR (%(digits)s::text IS NOT NULL
            AND (si.phone LIKE '%%' || %(digits)s || '%%'
                 OR EXISTS (SELECT FROM call WHERE call.site_id = si.id
                               AND call.phone LIKE '%%' || %(digits)s || '%%'))))
 ORDER BY si.name, si.id
 LIMIT %(limit)s

-- name: devices
SELECT d.id, d.key, d.kind, d.model, d.serial, coalesce(s.state, 'unwatched') AS state, s.since,
       si.id AS site_id, si.name AS site_name, c.name AS customer
  FROM device d
  LEFT JOIN device_status s ON s.device_id = d.id
  LEFT JOIN site si ON si.id = d.site_id
  LEFT JOIN customer c ON c.id = si.customer_id
 WHERE d.adopted_at IS NOT NULL
   AND (concat_ws(' ', d.key, d.serial) ILIKE '%%' || %(search)s || '%%'
        OR d.site_id = ANY(%(sites)s))
 ORDER BY d.key
 LIMIT %(limit)s

-- name: open_cases
SELECT t.id, t.state, t.severity, t.title, t.component, t.origin, t.opened_at, t.predicted_at,
       t.failed_at, d.key AS device_key, si.id AS site_id, si.name AS site_name,
       e.name AS assignee
  FROM ticket t
  LEFT JOIN device d ON d.id = t.device_id
  LEFT JOIN site si ON si.id = coalesce(d.site_id, t.site_id)
  LEFT JOIN engineer e ON e.id = t.assignee_id
 WHERE t.closed_at IS NULL
   AND (t.device_id = ANY(%(devices)s) OR d.site_id = ANY(%(sites)s) OR t.site_id = ANY(%(sites)s)
        OR t.batch_id IN (SELECT a.batch_id FROM alert a JOIN device m ON m.id = a.device_id
                           WHERE a.closed_at IS NULL AND a.batch_until IS NULL
                             AND (m.id = ANY(%(devices)s) OR m.site_id = ANY(%(sites)s))))
 ORDER BY t.failed_at IS NULL, t.id DESC
 LIMIT 50

-- name: wait_for_reference
SELECT pg_advisory_xact_lock(hashtextextended(
    concat_ws('/', 'forecall.call', %(channel)s::text, %(taken_by)s::text, %(reference)s::text), 0))

-- name: by_reference
SELECT ticket_id FROM call
WHERE channel = %(channel)s AND taken_by = %(taken_by)s AND reference = %(reference)s

-- name: site_of
SELECT site_id FROM device WHERE id = %(device_id)s

-- The open case that explains best why somebody calls about this device: first that of many devices
-- of which it is one. `component`: of those that speak of it; null: of all.
-- name: explains
SELECT id FROM ticket
WHERE closed_at IS NULL
  AND ((device_id = %(device_id)s AND %(component)s::text IS NULL)
       OR batch_id IN (SELECT batch_id FROM alert
                        WHERE device_id = %(device_id)s AND closed_at IS NULL
                          AND batch_until IS NULL
                          AND component = coalesce(%(component)s, component)))
ORDER BY batch_id IS NULL, failed_at IS NULL, array_position(ARRAY['critical', 'error', 'warning', 'info'], severity),
         id DESC
LIMIT 1

-- The case and those that it repeats, one after another.
-- name: last_about
WITH RECURSIVE chain AS (
    SELECT id, repeat_of FROM ticket WHERE id = %(ticket_id)s
    UNION
    SELECT before.id, before.repeat_of FROM ticket before JOIN chain ON before.id = chain.repeat_of
)
SELECT call.id
FROM call
JOIN chain ON chain.id = call.ticket_id
WHERE call.at >= %(since)s
ORDER BY call.at DESC, call.id DESC
LIMIT 1

-- name: record
INSERT INTO call (at, channel, caller, phone, words, site_id, device_id, ticket_id, repeat_of,
                  reference, taken_by)
VALUES (%(at)s, %(channel)s, %(caller)s, %(phone)s, %(words)s, %(site_id)s, %(device_id)s,
        %(ticket_id)s, %(repeat_of)s, %(reference)s, %(taken_by)s)
RETURNING id

-- name: move_calls
UPDATE call SET ticket_id = %(goal)s WHERE ticket_id = %(ticket_id)s

-- name: of_ticket
SELECT id, at, channel, caller, phone, words, repeat_of, taken_by
FROM call WHERE ticket_id = %(ticket_id)s
ORDER BY at DESC, id DESC

-- name: counts
WITH RECURSIVE chain AS (
    SELECT id, repeat_of, opened_at FROM ticket WHERE id = %(ticket_id)s
    UNION
    SELECT before.id, before.repeat_of, before.opened_at
    FROM ticket before JOIN chain ON before.id = chain.repeat_of
)
SELECT count(*) AS faults,
       (SELECT count(*) FROM call JOIN chain of_it ON of_it.id = call.ticket_id) AS calls
FROM chain

-- name: device_id
SELECT id FROM device WHERE key = %(key)s

-- name: site_id
SELECT id FROM site WHERE key = %(key)s AND disabled_at IS NULL

-- name: ticket
SELECT * FROM ticket WHERE id = %(ticket_id)s

-- name: newest
SELECT call.id, call.at, call.channel, call.caller, call.phone, call.words, call.ticket_id,
       call.repeat_of, call.taken_by, d.key AS device_key, si.name AS site_name, t.state,
       count(*) OVER () AS total
  FROM call
  JOIN ticket t ON t.id = call.ticket_id
  LEFT JOIN device d ON d.id = call.device_id
  LEFT JOIN site si ON si.id = call.site_id
 WHERE %(search)s = ''
    OR concat_ws(' ', d.key, d.serial, si.name, call.caller, call.phone, call.words)
       ILIKE '%%' || %(search)s || '%%'
 ORDER BY call.id DESC
 LIMIT %(limit)s OFFSET %(offset)s
