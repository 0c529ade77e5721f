-- name: take_turn
SELECT pg_try_advisory_xact_lock(hashtext('forecall.alerts')) AS mine

-- name: wait_turn
SELECT pg_advisory_xact_lock(hashtext('forecall.alerts'))

-- Each device is looked up by itself: of a large fleet few have signs. (`OFFSET 0` keeps the planner from
-- reading all of them.)
-- name: take_pending
WITH taken AS (
    DELETE FROM pending_sign
    WHERE id <= (
        SELECT max(id) FROM (SELECT id FROM pending_sign ORDER BY id LIMIT %(limit)s) AS oldest
    )
    RETURNING *
)
SELECT taken.kind, device_id, at, component, code, severity, to_state, cause, detail,
       device.adopted_at IS NOT NULL AS adopted, device.kind AS device_kind, device.model,
       coalesce(site.key, '') AS site
FROM taken
CROSS JOIN LATERAL (
    SELECT adopted_at, kind, model, site_id FROM device WHERE id = taken.device_id OFFSET 0
) AS device
LEFT JOIN site ON site.id = device.site_id
ORDER BY taken.id

-- name: open_of_devices
SELECT device_id, component, fault_class, active,
       coalesce(foretold_until > %(now)s, false) AND NOT EXISTS (
           SELECT FROM alert_condition WHERE alert_id = alert.id AND failed
       ) AS foretold
FROM alert
WHERE device_id = ANY(%(device_ids)s::int[]) AND closed_at IS NULL
ORDER BY device_id, probability DESC NULLS LAST, last_sign_at DESC

-- name: down_alerts
SELECT DISTINCT alert.device_id, alert.id
FROM alert
JOIN alert_condition ON alert_condition.alert_id = alert.id
WHERE alert.device_id = ANY(%(device_ids)s::int[]) AND alert.closed_at IS NULL
  AND alert_condition.origin = 'transition'
ORDER BY alert.id

-- name: alerts_held_by
SELECT alert.device_id, alert.id, array_agg(alert_condition.rule) AS rules
FROM unnest(%(device_ids)s::int[], %(components)s::text[], %(rules)s::text[])
     AS over (device_id, component, rule)
JOIN alert ON alert.device_id = over.device_id AND alert.component = over.component
          AND alert.closed_at IS NULL
JOIN alert_condition ON alert_condition.alert_id = alert.id AND alert_condition.rule = over.rule
GROUP BY alert.device_id, alert.id
ORDER BY alert.id

-- name: alerts_of_faults
SELECT alert.id, over.rule
FROM unnest(%(device_ids)s::int[], %(components)s::text[], %(classes)s::text[], %(rules)s::text[])
     AS over (device_id, component, fault_class, rule)
JOIN alert ON alert.device_id = over.device_id AND alert.component = over.component
          AND alert.fault_class = over.fault_class AND alert.closed_at IS NULL
JOIN alert_condition ON alert_condition.alert_id = alert.id AND alert_condition.rule = over.rule
ORDER BY alert.id

-- name: expired_conditions
SELECT alert_id, array_agg(alert_condition.rule) AS rules
FROM alert_condition
JOIN alert ON alert.id = alert_id AND alert.closed_at IS NULL
WHERE expires_at <= %(now)s
GROUP BY alert_id
ORDER BY alert_id

-- name: forgotten
SELECT alert.id
FROM alert
WHERE closed_at IS NULL AND NOT active AND last_sign_at <= %(before)s
  AND NOT EXISTS (
      SELECT FROM ticket
      WHERE ticket.device_id = alert.device_id AND ticket.component = alert.component
        AND ticket.fault_class = alert.fault_class AND ticket.closed_at IS NULL
  )
  AND NOT EXISTS (SELECT FROM ticket WHERE ticket.batch_id = alert.id AND closed_at IS NULL)
ORDER BY alert.id

-- name: record_failures
INSERT INTO failure (device_id, component, at, recorded_at, source)
SELECT device_id, component, at, %(now)s, source
FROM json_to_recordset(%(rows)s::json)
     AS made (device_id int, component text, at timestamptz, source text)
ON CONFLICT (device_id, component, at) DO NOTHING
