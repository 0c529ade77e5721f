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
    SELECT alert.id AS held_by, alert_condition.rule AS held_rule, alert_condition.calm,
           alert.device_id, alert.component
    FROM alert
    JOIN alert_condition ON alert_id = alert.id AND alert_condition.origin = 'prediction'
    WHERE alert.fault_class = %(fault_class)s AND alert.closed_at IS NULL
), judged AS (
    SELECT at, device_id, component, horizon_h, probability, threshold, reasons,
           NULL::bigint AS held_by, '' AS held_rule, 0 AS calm
    FROM newest
    WHERE probability >= threshold
    UNION ALL
    SELECT last.at, last.device_id, last.component, last.horizon_h, last.probability,
           last.threshold, last.reasons, held.held_by, held.held_rule, held.calm
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
SELECT judged.*, device.kind, device.model, coalesce(site.key, '') AS site, (
    SELECT greatest(max(failure.at), (
        SELECT max(maintenance.at) FROM maintenance
        WHERE maintenance.device_id = judged.device_id
          AND (maintenance.component = judged.component
                   AND maintenance.action IN ('replaced', 'repaired')
               OR maintenance.component = 'device' AND maintenance.action = 'replaced')
          AND maintenance.recorded_at <= %(now)s
    ))
    FROM failure
    WHERE failure.device_id = judged.device_id AND failure.component = judged.component
      AND failure.recorded_at <= %(now)s
) AS settles_from
FROM judged
JOIN device ON device.id = judged.device_id AND device.adopted_at IS NOT NULL
LEFT JOIN site ON site.id = device.site_id
ORDER BY judged.device_id, judged.component

-- name: count_calm
UPDATE alert_condition SET calm = %(calm)s WHERE alert_id = %(alert_id)s AND rule = %(rule)s

-- Only what may change something: a breach without its condition, a condition whose gauge came back.
-- Whether it does, `alerts.rules.judge` says.
-- name: gauges_beyond_limits
WITH rule AS (
    SELECT *
    FROM jsonb_to_recordset(%(rules)s) AS rule (
        name text, metric text, component text, fault_class text, raise_at float8,
        clear_at float8, above boolean, absolute boolean, kinds text[], not_kinds text[],
        models text[], not_models text[], sites text[], not_sites text[])
), newest AS (
    SELECT device.id AS device_id, rule.*, last.at, last.value, held.alert_id AS held_by,
           CASE WHEN rule.absolute THEN abs(last.value) ELSE last.value END AS size
    FROM rule
    JOIN metric ON metric.name = rule.metric
    JOIN device ON device.adopted_at IS NOT NULL
    LEFT JOIN site ON site.id = device.site_id
    CROSS JOIN LATERAL (
        SELECT reading.at, reading.value
        FROM reading
        WHERE reading.device_id = device.id AND reading.metric_id = metric.id
          AND reading.at > %(since)s AND reading.at <= %(now)s
        ORDER BY reading.at DESC, reading.received_at DESC, reading.value DESC
        LIMIT 1
    ) last
    LEFT JOIN LATERAL (
        SELECT alert.id AS alert_id
        FROM alert
        JOIN alert_condition ON alert_id = alert.id AND alert_condition.rule = rule.name
        WHERE alert.device_id = device.id AND alert.component = rule.component
          AND alert.fault_class = rule.fault_class AND alert.closed_at IS NULL
    ) held ON true
    WHERE rule_fits(rule.kinds, rule.not_kinds, device.kind)
      AND rule_fits(rule.models, rule.not_models, device.model)
      AND rule_fits(rule.sites, rule.not_sites, coalesce(site.key, ''))
)
SELECT device_id, name AS rule, metric, at, value, held_by
FROM newest
WHERE CASE
    WHEN held_by IS NULL AND above THEN size > raise_at
    WHEN held_by IS NULL THEN size < raise_at
    WHEN above THEN size < clear_at
    ELSE size > clear_at
END
ORDER BY device_id, name

-- name: readings_before
SELECT wanted.nth, reading.at, reading.value
FROM unnest(%(devices)s::int4[], %(metrics)s::text[], %(since)s::timestamptz[],
            %(until)s::timestamptz[]) WITH ORDINALITY AS wanted (device_id, metric, since, until, nth)
JOIN metric ON metric.name = wanted.metric
JOIN reading ON reading.device_id = wanted.device_id AND reading.metric_id = metric.id
            AND reading.at > wanted.since AND reading.at < wanted.until
ORDER BY wanted.nth, reading.at, reading.received_at, reading.value

-- name: hours_waiting
SELECT EXISTS (SELECT FROM rollup_touched WHERE hour < %(hour)s) AS waiting

-- name: held
SELECT alert.device_id, alert.id AS alert_id
FROM alert_condition
JOIN alert ON alert.id = alert_id AND alert.closed_at IS NULL
WHERE alert_condition.rule = %(rule)s

-- The value of an hourly rule at the end of each hour in which its metric was heard, where it crosses
-- a limit: beyond the first one after it was not, or back behind the second after it was beyond (or
-- where the rule's condition is held). `of`: what the other counter grew. Where a gauge leads is said by the
-- line of least squares; sums of numerics move on with the window, and regr_slope would not.
-- name: crossings
WITH heard AS (
    SELECT device.id AS device_id, device.adopted_at, metric.kind, rollup.hour,
           rollup.growth::numeric AS growth,  -- a sum of these moves on without being made anew
           rollup.first, rollup.last, other.growth::numeric AS of, line.x,
           CASE WHEN line.x IS NOT NULL THEN (rollup.total / rollup.n)::numeric END AS y
    FROM metric
    JOIN device ON device.adopted_at IS NOT NULL
    LEFT JOIN site ON site.id = device.site_id
    JOIN rollup_hourly AS rollup
      ON rollup.device_id = device.id AND rollup.metric_id = metric.id
     AND rollup.hour >= %(first)s::timestamptz - %(window)s::interval AND rollup.hour < %(last)s
    LEFT JOIN rollup_hourly AS other
      ON other.device_id = device.id AND other.hour = rollup.hour
     AND other.metric_id = (SELECT id FROM metric AS per WHERE per.name = %(per)s)
     AND other.hour >= %(first)s::timestamptz - %(window)s::interval AND other.hour < %(last)s
    CROSS JOIN LATERAL (
        SELECT CASE WHEN %(ahead_h)s::numeric IS NOT NULL THEN
                   div(extract(epoch FROM rollup.hour - %(first)s::timestamptz), 3600)
               END AS x
    ) AS line
    WHERE metric.name = %(metric)s
      AND (%(devices)s::int4[] IS NULL OR device.id = ANY(%(devices)s))
      AND rule_fits(%(kinds)s::text[], %(not_kinds)s::text[], device.kind)
      AND rule_fits(%(models)s::text[], %(not_models)s::text[], device.model)
      AND rule_fits(%(sites)s::text[], %(not_sites)s::text[], coalesce(site.key, ''))
), measured AS (
    SELECT device_id, adopted_at, hour + interval '1 hour' AS at,
           CASE
               WHEN %(ahead_h)s::numeric IS NOT NULL THEN
                   CASE WHEN count(*) OVER hours >= %(fewest)s THEN
                       last + (%(ahead_h)s::numeric
                               * (count(*) OVER hours * sum(x * y) OVER hours
                                  - sum(x) OVER hours * sum(y) OVER hours)
                               / nullif(count(*) OVER hours * sum(x * x) OVER hours
                                        - sum(x) OVER hours * sum(x) OVER hours, 0))::float8
                   END
               WHEN %(per)s::text IS NOT NULL THEN
                   CASE WHEN sum(of) OVER hours >= %(fewest)s THEN
                       (100 * sum(growth) OVER hours / sum(of) OVER hours)::float8
                   END
               WHEN kind = 'counter' THEN (sum(growth) OVER hours)::float8
               ELSE last - first_value(first) OVER hours
           END AS value
    FROM heard
    WINDOW hours AS (
        PARTITION BY device_id ORDER BY hour
        RANGE BETWEEN %(window)s::interval - interval '1 hour' PRECEDING AND CURRENT ROW)
), sided AS (
    SELECT device_id, at, value, CASE
               WHEN %(above)s THEN (size > %(raise_at)s)::int - (size < %(clear_at)s)::int
               ELSE (size < %(raise_at)s)::int - (size > %(clear_at)s)::int
           END AS side
    FROM measured
    CROSS JOIN LATERAL (
        SELECT CASE WHEN %(absolute)s THEN abs(value) ELSE value END AS size
    ) AS sized
    WHERE at >= %(first)s AND at >= adopted_at AND value IS NOT NULL
), crossed AS (
    SELECT *, lag(side) OVER (PARTITION BY device_id ORDER BY at) AS before
    FROM sided
    WHERE side <> 0
)
SELECT device_id, at, value
FROM crossed
WHERE side = 1 AND before IS DISTINCT FROM 1
   OR side = -1 AND (before = 1 OR before IS NULL AND device_id = ANY(%(held)s::int4[]))
ORDER BY device_id, at

-- The silences of a signal that last for so long, and each of the devices' in `held`: from the end of
-- the hour in which it was last heard until the begin of the next one (null: not heard since).
-- name: silences
WITH heard AS (
    SELECT device.id AS device_id, device.adopted_at, rollup.metric_id, rollup.hour,
           lead(rollup.hour) OVER (PARTITION BY device.id ORDER BY rollup.hour) AS next
    FROM metric
    JOIN device ON device.adopted_at IS NOT NULL
    LEFT JOIN site ON site.id = device.site_id
    JOIN rollup_hourly AS rollup
      ON rollup.device_id = device.id AND rollup.metric_id = metric.id
     AND rollup.hour >= %(since)s AND rollup.hour < %(last)s
    WHERE metric.name = %(metric)s AND (NOT %(growth)s OR rollup.growth > 0)
      AND (%(devices)s::int4[] IS NULL OR device.id = ANY(%(devices)s))
      AND rule_fits(%(kinds)s::text[], %(not_kinds)s::text[], device.kind)
      AND rule_fits(%(models)s::text[], %(not_models)s::text[], device.model)
      AND rule_fits(%(sites)s::text[], %(not_sites)s::text[], coalesce(site.key, ''))
), silent AS (
    SELECT * FROM heard
    WHERE coalesce(next, %(last)s) >= hour + interval '1 hour' + %(quiet)s::interval
       OR next IS NULL AND device_id = ANY(%(held)s::int4[])
)
SELECT device_id, greatest(hour + interval '1 hour', adopted_at) AS heard, next, before.week
FROM silent
CROSS JOIN LATERAL (
    SELECT sum(growth) AS week FROM rollup_hourly AS rollup
    WHERE rollup.device_id = silent.device_id AND rollup.metric_id = silent.metric_id
      AND rollup.hour >= silent.hour - interval '7 days' AND rollup.hour <= silent.hour
) AS before
ORDER BY device_id, hour

-- name: states_of
SELECT wanted.device_id, transition.to_state, transition.at
FROM unnest(%(devices)s::int4[]) AS wanted (device_id)
CROSS JOIN LATERAL (
    SELECT to_state, at FROM device_transition AS transition
    WHERE transition.device_id = wanted.device_id AND at <= %(at)s
    ORDER BY at DESC, id DESC
    LIMIT 1
) AS transition

-- name: begin_states
INSERT INTO state_wait (device_id, component, rule, code, since, due_at)
SELECT * FROM unnest(%(devices)s::int4[], %(components)s::text[], %(rules)s::text[],
                     %(codes)s::text[], %(since)s::timestamptz[], %(due)s::timestamptz[])
ON CONFLICT (device_id, component, rule) DO NOTHING

-- name: end_states
DELETE FROM state_wait
USING unnest(%(devices)s::int4[], %(components)s::text[], %(rules)s::text[])
      AS ended (device_id, component, rule)
WHERE state_wait.device_id = ended.device_id AND state_wait.component = ended.component
  AND state_wait.rule = ended.rule

-- name: states_due
WITH due AS (
    DELETE FROM state_wait WHERE due_at <= %(now)s RETURNING *
)
SELECT due.*, device.kind, device.model, coalesce(site.key, '') AS site
FROM due
JOIN device ON device.id = due.device_id AND device.adopted_at IS NOT NULL
LEFT JOIN site ON site.id = device.site_id
ORDER BY due.due_at, due.device_id, due.component, due.rule

-- name: in_force
SELECT digest, at, source FROM rule_book_in_force
WHERE at <= %(at)s
ORDER BY id DESC
LIMIT 1

-- name: book
SELECT rules FROM rule_book WHERE digest = %(digest)s

-- name: keep_book
INSERT INTO rule_book (digest, rules) VALUES (%(digest)s, %(rules)s)
ON CONFLICT (digest) DO NOTHING

-- name: put_in_force
INSERT INTO rule_book_in_force (digest, at, source, changes)
VALUES (%(digest)s, %(at)s, %(source)s, %(changes)s)

-- name: conditions_held
SELECT DISTINCT alert_condition.alert_id, alert_condition.rule, device.kind, device.model,
       coalesce(site.key, '') AS site
FROM alert_condition
JOIN alert ON alert.id = alert_id AND alert.closed_at IS NULL
JOIN device ON device.id = alert.device_id
LEFT JOIN site ON site.id = device.site_id
WHERE alert_condition.origin = ANY(%(origins)s)
ORDER BY alert_id, rule

-- Of each component only what nothing worse is known of: an open alert of another class says more.
-- name: new_anomalies
SELECT anomaly.at, anomaly.device_id, anomaly.component, anomaly.reasons,
       device.kind, device.model, coalesce(site.key, '') AS site, (
           SELECT max(maintenance.at)
           FROM maintenance
           WHERE maintenance.device_id = anomaly.device_id
             AND (maintenance.component = anomaly.component
                  OR maintenance.component = 'device' AND maintenance.action = 'replaced')
             AND maintenance.recorded_at <= %(now)s
       ) AS settles_from
FROM anomaly
JOIN device ON device.id = anomaly.device_id AND device.adopted_at IS NOT NULL
LEFT JOIN site ON site.id = device.site_id
WHERE anomaly.at > %(after)s AND anomaly.at <= %(now)s
  AND NOT EXISTS (
      SELECT FROM alert
      WHERE alert.device_id = anomaly.device_id AND alert.component = anomaly.component
        AND alert.fault_class <> %(fault_class)s AND alert.closed_at IS NULL AND alert.active
  )
ORDER BY anomaly.at, anomaly.device_id, anomaly.component

-- Only what changes something: a supply that ends too early without its condition, and a condition
-- whose supply lasts again. A device that is not heard any more keeps what it has.
-- name: supplies
WITH fault AS (
    SELECT consumable.*, device.kind, device.model, coalesce(site.key, '') AS site,
           coalesce(rule.fault_class, 'consumable') AS fault_class,
           coalesce(early < visit, false) AS short
    FROM consumable
    JOIN device ON device.id = device_id AND device.adopted_at IS NOT NULL
    LEFT JOIN site ON site.id = device.site_id
    LEFT JOIN unnest(%(metrics)s::text[], %(classes)s::text[]) AS rule (metric, fault_class)
           ON rule.metric = consumable.metric
    WHERE consumable.at <= %(now)s
), judged AS (
    SELECT fault.*, alert.id AS held_by, alert_condition.rule AS held_rule
    FROM fault
    LEFT JOIN (
        alert JOIN alert_condition ON alert_id = alert.id AND alert.closed_at IS NULL
    ) ON alert.device_id = fault.device_id AND alert.component = fault.component
         AND alert.fault_class = fault.fault_class
         AND alert_condition.origin = 'consumable'
         AND right(alert_condition.rule, length(fault.metric) + 1) = ':' || fault.metric
)
SELECT * FROM judged
WHERE short <> (held_by IS NOT NULL)
ORDER BY device_id, metric

-- What is stored of the past, for a replay. `devices`: null for all.
-- name: past_devices
SELECT device.id, device.key, device.kind, device.model, coalesce(site.key, '') AS site, adopted_at
FROM device
LEFT JOIN site ON site.id = device.site_id
WHERE adopted_at IS NOT NULL AND adopted_at < %(until)s
  AND (%(device)s::text IS NULL OR device.key = %(device)s)
  AND (%(site)s::text IS NULL OR site.key = %(site)s)

-- name: past_groups
SELECT device_id, kind, key, name FROM device_group WHERE device_id = ANY(%(devices)s)

-- name: past_begin
SELECT min(hour) AS at FROM rollup_hourly WHERE device_id = ANY(%(devices)s)

-- name: past_events
SELECT device_id, at, received_at, component, code, severity
FROM device_event
WHERE at > %(since)s - interval '1 day' AND at <= %(until)s
  AND received_at > %(since)s AND received_at <= %(until)s
  AND device_id = ANY(%(devices)s)
  AND (code = ANY(%(codes)s) OR severity = ANY(%(severities)s))
ORDER BY received_at, at

-- name: past_transitions
SELECT device_id, at, recorded_at, to_state, cause, detail, component
FROM device_transition
WHERE device_id = ANY(%(devices)s) AND at <= %(until)s
ORDER BY recorded_at, id

-- Of each component that was ever over its threshold, every scoring.
-- name: past_predictions
WITH told AS (
    SELECT DISTINCT device_id, component FROM prediction
    WHERE at > %(since)s AND at <= %(until)s AND probability >= threshold
)
SELECT at, device_id, component, horizon_h, probability, threshold,
       CASE WHEN probability >= threshold THEN reasons ELSE '[]' END AS reasons
FROM prediction
JOIN told USING (device_id, component)
WHERE at > %(since)s AND at <= %(until)s AND device_id = ANY(%(devices)s)
ORDER BY at

-- name: past_anomalies
SELECT at, device_id, component, reasons FROM anomaly
WHERE at > %(since)s AND at <= %(until)s AND device_id = ANY(%(devices)s)
ORDER BY at

-- name: past_supplies
SELECT at, device_id, metric, component, short, edge, early FROM consumable_change
WHERE at > %(since)s AND at <= %(until)s AND device_id = ANY(%(devices)s)
ORDER BY at

-- name: past_work
SELECT device_id, component, at, recorded_at, '' AS action FROM failure
WHERE at > %(since)s AND device_id = ANY(%(devices)s)
UNION ALL
SELECT device_id, component, at, recorded_at, action FROM maintenance
WHERE at > %(since)s AND device_id = ANY(%(devices)s)
ORDER BY at

-- The hours of devices whose gauge was ever beyond the limit: whether it may have crossed either one.
-- name: past_hours
WITH sized AS (
    SELECT rollup.device_id, rollup.hour,
           CASE WHEN %(absolute)s AND rollup.low < 0 AND rollup.high > 0 THEN 0
                WHEN %(absolute)s THEN least(abs(rollup.low), abs(rollup.high))
                ELSE rollup.low END AS low,
           CASE WHEN %(absolute)s THEN greatest(abs(rollup.low), abs(rollup.high))
                ELSE rollup.high END AS high
    FROM metric
    JOIN rollup_hourly AS rollup ON rollup.metric_id = metric.id
     AND rollup.device_id = ANY(%(devices)s)
     AND rollup.hour >= %(since)s AND rollup.hour <= %(until)s
    WHERE metric.name = %(metric)s
), marked AS (
    SELECT device_id, hour,
           CASE WHEN %(above)s THEN high > %(raise_at)s ELSE low < %(raise_at)s END AS breaches,
           CASE WHEN %(above)s THEN low < %(clear_at)s ELSE high > %(clear_at)s END AS clears
    FROM sized
)
SELECT device_id, hour, breaches, clears
FROM marked
WHERE device_id IN (SELECT device_id FROM marked WHERE breaches)
ORDER BY device_id, hour

-- Of the readings of such hours those that may begin or end something: between two on the same side of
-- the limits nothing does. For a breach that must last also one an hour, and the one that makes it long
-- enough: what is left is unbroken where it was.
-- name: past_readings
WITH told AS (
    SELECT wanted.device_id, wanted.hour, reading.at, reading.received_at, reading.value,
           CASE WHEN %(absolute)s THEN abs(reading.value) ELSE reading.value END AS size
    FROM unnest(%(devices)s::int4[], %(hours)s::timestamptz[]) AS wanted (device_id, hour)
    JOIN metric ON metric.name = %(metric)s
    CROSS JOIN LATERAL (
        SELECT at, received_at, value
        FROM reading
        WHERE reading.device_id = wanted.device_id AND reading.metric_id = metric.id
          AND reading.at >= wanted.hour AND reading.at < wanted.hour + interval '1 hour'
        OFFSET 0  -- a range of the index for each hour, whatever the statistics say
    ) AS reading
), sided AS (
    SELECT *, CASE
               WHEN %(above)s THEN (size > %(raise_at)s)::int - (size < %(clear_at)s)::int
               ELSE (size < %(raise_at)s)::int - (size > %(clear_at)s)::int
           END AS side
    FROM told
), beside AS (
    SELECT *, lag(side) OVER series AS before, lead(side) OVER series AS after,
           lag(hour) OVER series AS hour_before,
           count(*) FILTER (WHERE side <> 1) OVER series AS run
    FROM sided
    WINDOW series AS (PARTITION BY device_id ORDER BY at, received_at, value)
), running AS (
    SELECT *, at - min(at) OVER run AS lasted, lag(at) OVER run - min(at) OVER run AS lasted_before
    FROM beside
    WINDOW run AS (PARTITION BY device_id, run, side ORDER BY at, received_at, value)
)
SELECT device_id, hour, at, received_at, value
FROM running
WHERE before IS DISTINCT FROM side OR after IS DISTINCT FROM side
   OR %(held_for)s::interval > interval '0' AND (
      hour_before IS DISTINCT FROM hour
      OR side = 1 AND lasted >= %(held_for)s AND lasted_before < %(held_for)s)
ORDER BY device_id, at, received_at, value
