-- name: take_turn
SELECT pg_try_advisory_xact_lock(hashtext('forecall.alerts')) AS mine

-- name: take_pending
WITH taken AS (
    DELETE FROM pending_sign
    WHERE id IN (SELECT id FROM pending_sign ORDER BY id LIMIT %(limit)s)
    RETURNING *
)
SELECT taken.kind, device_id, at, component, code, severity, to_state, cause, detail,
       device.adopted_at IS NOT NULL AS adopted, device.kind AS device_kind, device.model,
       coalesce(site.key, '') AS site
FROM taken
JOIN device ON device.id = taken.device_id
LEFT JOIN site ON site.id = device.site_id
ORDER BY taken.id

-- name: open_of_device
SELECT component, fault_class, active, coalesce(foretold_until > %(now)s, false) AND NOT EXISTS (
           SELECT FROM alert_condition WHERE alert_id = alert.id AND failed
       ) AS foretold
FROM alert
WHERE device_id = %(device_id)s AND closed_at IS NULL
ORDER BY probability DESC NULLS LAST, last_sign_at DESC

-- name: lock_open
SELECT id, device_id, component, fault_class, state, severity, active
FROM alert
WHERE device_id = %(device_id)s AND component = %(component)s AND fault_class = %(fault_class)s
  AND closed_at IS NULL
FOR UPDATE

-- name: lock
SELECT id, device_id, component, fault_class, state, severity, active
FROM alert WHERE id = %(alert_id)s AND closed_at IS NULL
FOR UPDATE

-- name: exists
SELECT FROM alert WHERE id = %(alert_id)s

-- name: open
INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule, message,
                   active, opened_at, last_sign_at, signs)
VALUES (%(device_id)s, %(component)s, %(fault_class)s, 'normal', %(severity)s, %(origin)s,
        %(rule)s, %(message)s, false, %(now)s, %(now)s, 0)
ON CONFLICT (device_id, component, fault_class) WHERE closed_at IS NULL DO NOTHING
RETURNING id, device_id, component, fault_class, state, severity, active

-- name: add_sign
UPDATE alert
SET active = true, signs = signs + 1, last_sign_at = greatest(last_sign_at, %(at)s),
    severity = %(severity)s, message = %(message)s,
    probability = coalesce(%(probability)s, probability),
    reasons = coalesce(%(reasons)s, reasons),
    foretold_until = coalesce(%(foretold_until)s, foretold_until)
WHERE id = %(alert_id)s

-- name: add_sign_quietly
UPDATE alert
SET active = true, signs = signs + 1, last_sign_at = greatest(last_sign_at, %(at)s),
    probability = coalesce(%(probability)s, probability),
    reasons = coalesce(%(reasons)s, reasons),
    foretold_until = coalesce(%(foretold_until)s, foretold_until)
WHERE id = %(alert_id)s

-- name: failed_already
SELECT EXISTS (SELECT FROM alert_condition WHERE alert_id = %(alert_id)s AND failed) AS failed

-- name: hold_condition
INSERT INTO alert_condition (alert_id, rule, origin, failed, since, last_at, expires_at)
VALUES (%(alert_id)s, %(rule)s, %(origin)s, %(failed)s, %(at)s, %(at)s, %(expires_at)s)
ON CONFLICT (alert_id, rule) DO UPDATE
SET last_at = excluded.last_at, expires_at = excluded.expires_at, calm = 0
RETURNING (xmax = 0) AS fresh

-- name: take_step
WITH taken AS (
    UPDATE alert SET state = %(to_state)s, active = %(active)s WHERE id = %(alert_id)s
)
INSERT INTO alert_transition (alert_id, from_state, to_state, name, at, actor)
VALUES (%(alert_id)s, %(from_state)s, %(to_state)s, %(name)s, %(at)s, %(actor)s)

-- name: close
UPDATE alert SET closed_at = %(at)s WHERE id = %(alert_id)s

-- name: has_open_ticket
SELECT EXISTS (
    SELECT FROM ticket
    WHERE device_id = %(device_id)s AND component = %(component)s
      AND fault_class = %(fault_class)s AND closed_at IS NULL
) AS there

-- name: conditions
SELECT rule FROM alert_condition
WHERE alert_id = %(alert_id)s AND origin = ANY(%(origins)s)

-- name: end_conditions
DELETE FROM alert_condition
WHERE alert_id = %(alert_id)s AND rule = ANY(%(rules)s)

-- name: end_all_conditions
DELETE FROM alert_condition WHERE alert_id = %(alert_id)s

-- name: holds
SELECT EXISTS (SELECT FROM alert_condition WHERE alert_id = %(alert_id)s) AS holds

-- name: down_alerts
SELECT DISTINCT alert.id
FROM alert
JOIN alert_condition ON alert_condition.alert_id = alert.id
WHERE alert.device_id = %(device_id)s AND alert.closed_at IS NULL
  AND alert_condition.origin = 'transition'
ORDER BY alert.id

-- name: alerts_held_by
SELECT DISTINCT alert.id
FROM alert
JOIN alert_condition ON alert_condition.alert_id = alert.id
WHERE alert.device_id = %(device_id)s AND alert.component = %(component)s
  AND alert.closed_at IS NULL AND alert_condition.rule = ANY(%(rules)s)
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
ORDER BY alert.id

-- name: record_failure
INSERT INTO failure (device_id, component, at, recorded_at, source)
VALUES (%(device_id)s, %(component)s, %(at)s, %(now)s, %(source)s)
ON CONFLICT (device_id, component, at) DO NOTHING
