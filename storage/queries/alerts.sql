-- name: take_turn
SELECT pg_try_advisory_xact_lock(hashtext('forecall.alerts')) AS mine

-- name: take_pending
WITH taken AS (
    DELETE FROM pending_sign
    WHERE id IN (SELECT id FROM pending_sign ORDER BY id LIMIT %(limit)s)
    RETURNING *
)
SELECT taken.kind, device_id, at, component, code, severity, to_state, cause, detail,
       device.adopted_at IS NOT NULL AS adopted
FROM taken
JOIN device ON device.id = taken.device_id
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

-- name: end_conditions
DELETE FROM alert_condition
WHERE alert_id = %(alert_id)s AND rule = ANY(%(rules)s)

-- name: end_all_conditions
DELETE FROM alert_condition WHERE alert_id = %(alert_id)s

-- name: holds
SELECT EXISTS (SELECT FROM alert_condition WHERE alert_id = %(alert_id)s) AS holds

-- name: down_alerts
SELECT alert.id
FROM alert
JOIN alert_condition ON alert_condition.alert_id = alert.id AND alert_condition.rule = %(rule)s
WHERE alert.device_id = %(device_id)s AND alert.closed_at IS NULL
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

-- name: read_cursor
SELECT at FROM alert_cursor WHERE name = %(name)s

-- name: write_cursor
INSERT INTO alert_cursor (name, at) VALUES (%(name)s, %(at)s)
ON CONFLICT (name) DO UPDATE SET at = excluded.at

-- name: newest_prediction
SELECT max(at) AS at FROM prediction WHERE at > %(after)s AND at <= %(now)s

-- Of each (device, component) only what the newest scoring says counts: where it is over the
-- threshold, and where it is not but a prediction still holds an alert.
-- name: new_predictions
WITH newest AS (
    SELECT DISTINCT ON (device_id, component) *
    FROM prediction
    WHERE at > %(after)s AND at <= %(until)s
    ORDER BY device_id, component, at DESC
), held AS (
    SELECT alert.id AS held_by, alert.device_id, alert.component
    FROM alert
    JOIN alert_condition ON alert_id = alert.id AND alert_condition.rule = %(rule)s
    WHERE alert.fault_class = %(fault_class)s AND alert.closed_at IS NULL
), judged AS (
    SELECT at, device_id, component, horizon_h, probability, threshold, reasons,
           NULL::bigint AS held_by
    FROM newest
    WHERE probability >= threshold
    UNION ALL
    SELECT last.at, last.device_id, last.component, last.horizon_h, last.probability,
           last.threshold, last.reasons, held.held_by
    FROM held
    CROSS JOIN LATERAL (
        SELECT *
        FROM prediction
        WHERE prediction.device_id = held.device_id AND prediction.component = held.component
          AND at > %(after)s AND at <= %(until)s
        ORDER BY at DESC
        LIMIT 1
    ) last
    WHERE last.probability < last.threshold
)
SELECT judged.*
FROM judged
JOIN device ON device.id = judged.device_id AND device.adopted_at IS NOT NULL
WHERE NOT EXISTS (
      SELECT FROM failure
      WHERE failure.device_id = judged.device_id AND failure.component = judged.component
        AND failure.at > judged.at - %(settling)s AND failure.recorded_at <= %(now)s
  )
  AND NOT EXISTS (
      SELECT FROM maintenance
      WHERE maintenance.device_id = judged.device_id
        AND maintenance.component = judged.component
        AND maintenance.action IN ('replaced', 'repaired')
        AND maintenance.at > judged.at - %(settling)s AND maintenance.recorded_at <= %(now)s
  )
ORDER BY judged.device_id, judged.component

-- name: calm_down
UPDATE alert_condition SET calm = calm + 1
WHERE alert_id = %(alert_id)s AND rule = %(rule)s
RETURNING calm

-- name: stir
UPDATE alert_condition SET calm = 0 WHERE alert_id = %(alert_id)s AND rule = %(rule)s

-- Only what changes something: a breach without its condition, a condition whose gauge came back.
-- name: gauges_over_limits
WITH rule AS (
    SELECT *
    FROM unnest(%(names)s::text[], %(metrics)s::text[], %(components)s::text[],
                %(classes)s::text[], %(raise_at)s::float8[], %(clear_at)s::float8[],
                %(above)s::boolean[], %(absolute)s::boolean[])
         AS rule (name, metric, component, fault_class, raise_at, clear_at, above, absolute)
), judged AS (
    SELECT device.id AS device_id, rule.name AS rule, last.at, last.value, held.alert_id,
           CASE WHEN rule.above THEN size.value > rule.raise_at ELSE size.value < rule.raise_at
           END AS breached,
           CASE WHEN rule.above THEN size.value < rule.clear_at ELSE size.value > rule.clear_at
           END AS cleared
    FROM rule
    JOIN metric ON metric.name = rule.metric
    CROSS JOIN device
    CROSS JOIN LATERAL (
        SELECT reading.at, reading.value
        FROM reading
        WHERE reading.device_id = device.id AND reading.metric_id = metric.id
          AND reading.at > %(since)s AND reading.at <= %(now)s
        ORDER BY reading.at DESC
        LIMIT 1
    ) last
    CROSS JOIN LATERAL (
        SELECT CASE WHEN rule.absolute THEN abs(last.value) ELSE last.value END AS value
    ) size
    LEFT JOIN LATERAL (
        SELECT alert.id AS alert_id
        FROM alert
        JOIN alert_condition ON alert_id = alert.id AND alert_condition.rule = rule.name
        WHERE alert.device_id = device.id AND alert.component = rule.component
          AND alert.fault_class = rule.fault_class AND alert.closed_at IS NULL
    ) held ON true
    WHERE device.adopted_at IS NOT NULL
)
SELECT device_id, rule, at, value, breached, alert_id AS held_by
FROM judged
WHERE (breached AND alert_id IS NULL) OR (cleared AND alert_id IS NOT NULL)
ORDER BY device_id, rule

-- Of each component only what nothing worse is known of: an open alert of another class says more.
-- name: new_anomalies
SELECT anomaly.at, anomaly.device_id, anomaly.component, anomaly.reasons
FROM anomaly
JOIN device ON device.id = anomaly.device_id AND device.adopted_at IS NOT NULL
WHERE anomaly.at > %(after)s AND anomaly.at <= %(now)s
  AND NOT EXISTS (
      SELECT FROM alert
      WHERE alert.device_id = anomaly.device_id AND alert.component = anomaly.component
        AND alert.fault_class <> %(fault_class)s AND alert.closed_at IS NULL AND alert.active
  )
  AND NOT EXISTS (
      SELECT FROM maintenance
      WHERE maintenance.device_id = anomaly.device_id
        AND maintenance.component = anomaly.component
        AND maintenance.at > anomaly.at - %(settling)s AND maintenance.recorded_at <= %(now)s
  )
ORDER BY anomaly.at, anomaly.device_id, anomaly.component

-- Only what changes something: a supply that ends too early without its condition, and a condition
-- whose supply lasts again. A device that is not heard any more keeps what it has.
-- name: supplies
WITH fault AS (
    SELECT consumable.*, coalesce(rule.fault_class, 'consumable') AS fault_class,
           coalesce(early < visit, false) AS short
    FROM consumable
    JOIN device ON device.id = device_id AND device.adopted_at IS NOT NULL
    LEFT JOIN unnest(%(metrics)s::text[], %(classes)s::text[]) AS rule (metric, fault_class)
           ON rule.metric = consumable.metric
    WHERE consumable.at <= %(now)s
), judged AS (
    SELECT fault.*, alert.id AS held_by
    FROM fault
    LEFT JOIN (
        alert JOIN alert_condition ON alert_id = alert.id AND alert.closed_at IS NULL
    ) ON alert.device_id = fault.device_id AND alert.component = fault.component
         AND alert.fault_class = fault.fault_class
         AND alert_condition.rule = %(rule)s || ':' || fault.metric
)
SELECT * FROM judged
WHERE short <> (held_by IS NOT NULL)
ORDER BY device_id, metric
