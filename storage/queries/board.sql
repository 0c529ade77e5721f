-- The row of the fault's open alert is there and locked when this is through, whoever else raises it.
-- One that it opens begins with the sign's condition and its first step; what one that was there holds is
-- asked afterwards (`hold_conditions`), when the row is locked and others' conditions can be seen.
-- name: raise_or_join
WITH sign AS MATERIALIZED (
    SELECT *
    FROM json_to_recordset(%(rows)s::json)
         AS sign (device_id int, component text, fault_class text, state text, severity text,
                  origin text, rule text, failed boolean, message jsonb, reasons jsonb,
                  probability real, foretold_until timestamptz, at timestamptz,
                  expires_at timestamptz, wants_case boolean, held_until timestamptz,
                  batch_id bigint, step text, cause jsonb)
), raised AS (
    INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule, message,
                       reasons, probability, foretold_until, active, opened_at, last_sign_at, signs,
                       wants_case, held_until, batch_id, batch_since)
    SELECT device_id, component, fault_class, state, severity, origin, rule, message, reasons,
           probability, foretold_until, true, %(now)s, at, 1, wants_case, held_until, batch_id,
           CASE WHEN batch_id IS NOT NULL THEN %(now)s::timestamptz END
    FROM sign
    ORDER BY device_id, component, fault_class
    ON CONFLICT (device_id, component, fault_class) WHERE closed_at IS NULL DO UPDATE
    SET signs = alert.signs + 1, last_sign_at = greatest(alert.last_sign_at, excluded.last_sign_at),
        probability = coalesce(excluded.probability, alert.probability),
        reasons = CASE WHEN excluded.reasons = '[]' THEN alert.reasons ELSE excluded.reasons END,
        foretold_until = coalesce(excluded.foretold_until, alert.foretold_until)
    RETURNING id, device_id, component, fault_class, state, severity, active, told_at,
              flapping_since, batch_id, (xmax = 0) AS opened
), begun AS (
    SELECT raised.id, raised.state, sign.rule, sign.origin, sign.failed, sign.at, sign.expires_at,
           sign.step, sign.cause
    FROM raised JOIN sign USING (device_id, component, fault_class)
    WHERE raised.opened
), held AS (
    INSERT INTO alert_condition (alert_id, rule, origin, failed, since, last_at, expires_at)
    SELECT id, rule, origin, failed, at, at, expires_at FROM begun
), recorded AS (
    INSERT INTO alert_transition (alert_id, from_state, to_state, name, at, actor, cause)
    SELECT id, 'normal', state, step, %(now)s, %(actor)s, cause FROM begun
)
SELECT * FROM raised

-- name: hold_conditions
WITH before AS (
    SELECT DISTINCT alert_id FROM alert_condition
    WHERE failed AND alert_id = ANY(%(known_ids)s::bigint[])
), held AS (
    INSERT INTO alert_condition (alert_id, rule, origin, failed, since, last_at, expires_at)
    SELECT alert_id, rule, origin, failed, at, at, expires_at
    FROM json_to_recordset(%(rows)s::json)
         AS sign (alert_id bigint, rule text, origin text, failed boolean, at timestamptz,
                  expires_at timestamptz)
    ON CONFLICT (alert_id, rule) DO UPDATE
    SET last_at = excluded.last_at, expires_at = excluded.expires_at, calm = 0
    RETURNING alert_id, (xmax = 0) AS fresh
)
SELECT held.alert_id, fresh, before.alert_id IS NOT NULL AS failed_before
FROM held LEFT JOIN before USING (alert_id)

-- name: lead
UPDATE alert SET severity = sign.severity, message = sign.message::jsonb
FROM unnest(%(alert_ids)s::bigint[], %(severities)s::text[], %(messages)s::text[])
     AS sign (alert_id, severity, message)
WHERE id = alert_id

-- name: want_cases
UPDATE alert SET wants_case = true, held_until = coalesce(held_until, %(now)s)
WHERE id = ANY(%(alert_ids)s::bigint[])

-- name: have_cases
UPDATE alert SET wants_case = false WHERE id = ANY(%(alert_ids)s::bigint[])

-- name: lock
SELECT id, device_id, component, fault_class, state, severity, active, told_at, flapping_since,
       batch_id
FROM alert
WHERE id = ANY(%(alert_ids)s::bigint[]) AND closed_at IS NULL
ORDER BY device_id, component, fault_class
FOR NO KEY UPDATE

-- name: exists
SELECT FROM alert WHERE id = %(alert_id)s

-- What a step makes of its alert: who is told anew is told no earlier than `held_until`; what is over
-- wants no case.
-- name: write_steps
UPDATE alert
SET state = step.to_state, active = step.active,
    wants_case = wants_case AND step.active,
    held_until = CASE WHEN step.anew THEN step.held_until
                      WHEN step.to_state = ANY(%(waiting)s) THEN alert.held_until END,
    told_at = CASE WHEN step.anew THEN NULL ELSE told_at END,
    batch_id = coalesce(step.batch_id, alert.batch_id),
    batch_since = CASE WHEN step.batch_id IS NULL THEN batch_since ELSE step.at END,
    batch_until = CASE WHEN step.batch_id IS NOT NULL THEN NULL
                       WHEN alert.batch_id IS NOT NULL AND NOT step.stays
                            AND step.name IN ('return', 'release')
                       THEN coalesce(batch_until, step.at) ELSE batch_until END,
    flapping_since = CASE step.name WHEN 'flap' THEN step.at WHEN 'calm' THEN NULL
                                    ELSE flapping_since END
FROM json_to_recordset(%(rows)s::json)
     AS step (alert_id bigint, name text, to_state text, active boolean, anew boolean,
              held_until timestamptz, at timestamptz, batch_id bigint, stays boolean)
WHERE id = alert_id

-- name: record_steps
INSERT INTO alert_transition (alert_id, from_state, to_state, name, at, actor, cause)
SELECT alert_id, from_state, to_state, name, at, actor, cause
FROM json_to_recordset(%(rows)s::json)
     AS step (alert_id bigint, from_state text, to_state text, name text, at timestamptz, actor text,
              cause jsonb)

-- name: close_over
UPDATE alert SET closed_at = %(now)s, held_until = NULL
WHERE id = ANY(%(alert_ids)s::bigint[]) AND closed_at IS NULL AND NOT active AND state = 'normal'
  AND flapping_since IS NULL
  AND NOT EXISTS (
      SELECT FROM ticket
      WHERE ticket.device_id = alert.device_id AND ticket.component = alert.component
        AND ticket.fault_class = alert.fault_class AND ticket.closed_at IS NULL
  )
  AND NOT EXISTS (
      SELECT FROM ticket WHERE ticket.batch_id = alert.id AND ticket.closed_at IS NULL
  )
RETURNING id, device_id, told_at

-- name: end_conditions
DELETE FROM alert_condition
USING unnest(%(alert_ids)s::bigint[], %(rules)s::text[]) AS over (alert_id, rule)
WHERE alert_condition.alert_id = over.alert_id
  AND (over.rule IS NULL OR alert_condition.rule = over.rule)

-- name: holding
SELECT DISTINCT alert_id FROM alert_condition WHERE alert_id = ANY(%(alert_ids)s::bigint[])

-- name: conditions
SELECT rule FROM alert_condition
WHERE alert_id = %(alert_id)s AND origin = ANY(%(origins)s)

-- News that nothing holds back any more. The condition that says most speaks for the alert.
-- name: due
SELECT alert.id, alert.device_id, alert.component, alert.fault_class, alert.state, alert.severity,
       alert.message, alert.reasons, alert.probability, alert.told_at, alert.wants_case,
       held.rule, held.origin, held.failed, held.since, held.expires_at
FROM alert
CROSS JOIN LATERAL (
    SELECT * FROM alert_condition
    WHERE alert_id = alert.id
    ORDER BY failed DESC, since DESC, rule
    LIMIT 1
) AS held
WHERE held_until <= %(now)s AND alert.closed_at IS NULL AND alert.active
  AND alert.state IN ('unacknowledged', 'acknowledged')
  AND (%(alert_ids)s::bigint[] IS NULL OR alert.id = ANY(%(alert_ids)s::bigint[]))
ORDER BY alert.device_id, alert.component, alert.fault_class
FOR NO KEY UPDATE OF alert

-- name: told
UPDATE alert SET held_until = NULL, told_at = %(now)s, wants_case = false
WHERE id = ANY(%(alert_ids)s::bigint[])

-- Faults that went away so often not long ago, having been shown to people. What came and went while
-- it was held back does not count.
-- name: flappers
SELECT alert.id
FROM alert
JOIN alert_transition AS gone ON gone.alert_id = alert.id AND gone.name = 'return'
 AND gone.from_state IN ('unacknowledged', 'acknowledged') AND gone.at > %(since)s
WHERE alert.id = ANY(%(alert_ids)s::bigint[]) AND alert.flapping_since IS NULL
GROUP BY alert.id
HAVING count(*) >= %(times)s

-- name: calmed
SELECT id, origin
FROM alert
WHERE flapping_since IS NOT NULL AND closed_at IS NULL AND NOT EXISTS (
    SELECT FROM alert_transition
    WHERE alert_id = alert.id AND name IN ('raise', 'return', 'flap') AND at > %(since)s
)

-- name: fault
SELECT device_id, component, fault_class, closed_at FROM alert WHERE id = %(alert_id)s
