-- name: open
INSERT INTO ticket (device_id, component, fault_class, site_id, batch_id, alert_id, origin, state,
                    severity, title, assignee_id, repeat_of, opened_at, predicted_at, failed_at)
SELECT device_id, component, fault_class, site_id, batch_id, alert_id, origin, 'new', severity, title,
       assignee_id, repeat_of, opened_at, predicted_at, failed_at
FROM json_to_recordset(%(rows)s::json)
     AS opening (device_id int, component text, fault_class text, site_id int, batch_id bigint,
                 alert_id bigint, origin text, severity text, title jsonb, assignee_id int,
                 repeat_of bigint, opened_at timestamptz, predicted_at timestamptz,
                 failed_at timestamptz)
ORDER BY device_id, component, fault_class
ON CONFLICT DO NOTHING
RETURNING id, device_id, component, fault_class, batch_id

-- name: cases_before
SELECT DISTINCT ON (device_id, component, fault_class) device_id, component, fault_class, id
FROM ticket
JOIN json_to_recordset(%(faults)s::json)
     AS fault (device_id int, component text, fault_class text)
     USING (device_id, component, fault_class)
WHERE closed_at >= %(since)s
ORDER BY device_id, component, fault_class, closed_at DESC, id DESC

-- name: lock_open
SELECT ticket.*
FROM ticket
JOIN json_to_recordset(%(faults)s::json)
     AS fault (device_id int, component text, fault_class text)
     USING (device_id, component, fault_class)
WHERE closed_at IS NULL
ORDER BY device_id, component, fault_class
FOR NO KEY UPDATE OF ticket

-- name: lock_open_of_batch
SELECT * FROM ticket WHERE batch_id = %(batch_id)s AND closed_at IS NULL FOR NO KEY UPDATE

-- Members' own tickets that nobody has touched and that this outage has opened.
-- name: lock_untouched
SELECT ticket.*
FROM alert
JOIN ticket ON ticket.device_id = alert.device_id AND ticket.component = alert.component
           AND ticket.fault_class = alert.fault_class AND ticket.closed_at IS NULL
WHERE alert.id = ANY(%(alert_ids)s::bigint[]) AND ticket.state = 'new'
  AND ticket.origin IN ('device', 'rule') AND ticket.repeat_of IS NULL
  AND NOT EXISTS (
      SELECT FROM ticket_event
      WHERE ticket_id = ticket.id AND (actor <> %(system)s OR kind = 'moved')
  )
ORDER BY ticket.device_id, ticket.component, ticket.fault_class
FOR NO KEY UPDATE OF ticket

-- The alert's row is locked before the ticket's, as the alert rules do.
-- name: lock_alert_of
SELECT alert.id
FROM alert
JOIN ticket ON ticket.device_id = alert.device_id AND ticket.component = alert.component
           AND ticket.fault_class = alert.fault_class
           OR ticket.batch_id = alert.id
WHERE ticket.id = %(ticket_id)s AND alert.closed_at IS NULL
FOR NO KEY UPDATE OF alert

-- name: lock_alert_of_fault
SELECT id FROM alert
WHERE device_id = %(device_id)s AND component = %(component)s AND fault_class = %(fault_class)s
  AND closed_at IS NULL
FOR NO KEY UPDATE

-- name: lock_alerts_of_device
SELECT alert.id
FROM alert JOIN device ON device.id = alert.device_id
WHERE device.key = %(key)s AND alert.closed_at IS NULL
ORDER BY alert.device_id, alert.component, alert.fault_class
FOR NO KEY UPDATE OF alert

-- name: lock_tickets_of_device
SELECT ticket.*
FROM ticket JOIN device ON device.id = ticket.device_id
WHERE device.key = %(key)s AND ticket.closed_at IS NULL
ORDER BY ticket.component, ticket.fault_class
FOR NO KEY UPDATE OF ticket

-- name: lock
SELECT * FROM ticket WHERE id = %(ticket_id)s FOR NO KEY UPDATE

-- name: append
INSERT INTO ticket_event (ticket_id, version, at, kind, actor, from_state, to_state, data)
SELECT ticket_id, version, at, kind, actor, from_state, to_state, data
FROM json_to_recordset(%(rows)s::json)
     AS event (ticket_id bigint, version int, at timestamptz, kind text, actor text, from_state text,
               to_state text, data jsonb)

-- name: write
UPDATE ticket
SET device_id = changed.device_id, component = changed.component, fault_class =
    changed.fault_class, alert_id = changed.alert_id, state = changed.state, severity =
    changed.severity, title = changed.title, assignee_id = changed.assignee_id, repeat_of =
    changed.repeat_of, predicted_at = changed.predicted_at, failed_at = changed.failed_at,
    returned_at = changed.returned_at, closed_at = changed.closed_at, version = changed.version,
    resumes_to = changed.resumes_to, level = changed.level, finding = changed.finding, caused_by =
    changed.caused_by, handling = changed.handling, grade = changed.grade
FROM json_to_recordset(%(rows)s::json)
     AS changed (id bigint, device_id int, component text, fault_class text, alert_id bigint,
                 state text, severity text, title jsonb, assignee_id int, repeat_of bigint,
                 predicted_at timestamptz, failed_at timestamptz, returned_at timestamptz,
                 closed_at timestamptz, version int, resumes_to text, level int, finding text,
                 caused_by text, handling text, grade text)
WHERE ticket.id = changed.id

-- name: events
SELECT ticket_id, version, at, kind, actor, from_state, to_state, data
FROM ticket_event WHERE ticket_id = %(ticket_id)s ORDER BY version

-- name: audit
INSERT INTO audit_entry (at, actor, action, object, detail)
VALUES (%(at)s, %(actor)s, %(action)s, %(object)s, %(detail)s)

-- name: engineer_exists
SELECT EXISTS (
    SELECT FROM engineer WHERE id = %(engineer_id)s AND disabled_at IS NULL
) AS there

-- name: site_exists
SELECT EXISTS (SELECT FROM site WHERE id = %(site_id)s) AS there

-- name: engineers
SELECT engineer.id, name, region, skills, shift_days, shift_from, shift_until, time_zone,
       count(ticket.id) AS load
FROM engineer
LEFT JOIN ticket ON ticket.assignee_id = engineer.id AND ticket.closed_at IS NULL
WHERE engineer.disabled_at IS NULL
GROUP BY engineer.id
ORDER BY engineer.id

-- name: places
SELECT 'device' AS what, device.id, device.kind, site.engineer_id, site.city, engineer.region
FROM device
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN engineer ON engineer.id = site.engineer_id
WHERE device.id = ANY(%(devices)s::int[])
UNION ALL
SELECT 'site', site.id, '', site.engineer_id, site.city, engineer.region
FROM site
LEFT JOIN engineer ON engineer.id = site.engineer_id
WHERE site.id = ANY(%(sites)s::int[])

-- Whom somebody reports to, so many levels up.
-- name: superiors
WITH RECURSIVE above AS (
    SELECT place, asked.level AS wanted, engineer.id, name, reports_to, 0 AS level,
           ARRAY[engineer.id] AS seen
    FROM unnest(%(engineer_ids)s::integer[], %(levels)s::integer[])
         WITH ORDINALITY AS asked (engineer_id, level, place)
    JOIN engineer ON engineer.id = asked.engineer_id
    UNION ALL
    SELECT place, wanted, engineer.id, engineer.name, engineer.reports_to, above.level + 1,
           seen || engineer.id
    FROM engineer JOIN above ON engineer.id = above.reports_to
    WHERE engineer.id <> ALL(seen) AND above.level < wanted
)
SELECT place, id, name FROM above WHERE level = wanted

-- name: ticket_exists
SELECT EXISTS (SELECT FROM ticket WHERE id = %(ticket_id)s) AS there

-- name: device_exists
SELECT EXISTS (SELECT FROM device WHERE id = %(device_id)s) AS there

-- name: record_maintenance
INSERT INTO maintenance (device_id, component, action, at, recorded_at, source)
VALUES (%(device_id)s, %(component)s, %(action)s, %(at)s, %(now)s, %(source)s)
ON CONFLICT (device_id, component, action, at) DO NOTHING

-- name: stayed_well
SELECT id FROM ticket
WHERE closed_at IS NULL AND state IN ('repaired', 'verified') AND returned_at <= %(before)s
  AND (%(ticket_id)s::bigint IS NULL OR id = %(ticket_id)s)
ORDER BY id

-- Foretold, not failed, and the time within which it was to fail is over.
-- name: not_come_true
SELECT ticket.id
FROM ticket
JOIN alert ON alert.id = ticket.alert_id
WHERE ticket.closed_at IS NULL AND ticket.origin = 'prediction' AND ticket.failed_at IS NULL
  AND ticket.state = ANY(%(states)s) AND alert.foretold_until <= %(now)s AND NOT alert.active
  AND (%(ticket_id)s::bigint IS NULL OR ticket.id = %(ticket_id)s)
ORDER BY ticket.id
