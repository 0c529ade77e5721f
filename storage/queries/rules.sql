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
          AND maintenance.component = judged.component
          AND maintenance.action IN ('replaced', 'repaired')
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

-- Only what changes something: a breach without its condition, a condition whose gauge came back.
-- name: gauges_over_limits
WITH rule AS (
    SELECT *
    FROM jsonb_to_recordset(%(rules)s) AS rule (
        name text, metric text, component text, fault_class text, raise_at float8,
        clear_at float8, above boolean, absolute boolean,
        kinds text[], models text[], sites text[])
), judged AS (
    SELECT device.id AS device_id, rule.name AS rule, last.at, last.value, held.alert_id,
           CASE WHEN rule.above THEN size.value > rule.raise_at ELSE size.value < rule.raise_at
           END AS breached,
           CASE WHEN rule.above THEN size.value < rule.clear_at ELSE size.value > rule.clear_at
           END AS cleared
    FROM rule
    JOIN metric ON metric.name = rule.metric
    JOIN device ON device.adopted_at IS NOT NULL
    LEFT JOIN site ON site.id = device.site_id
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
    WHERE (rule.kinds = '{}' OR device.kind = ANY(rule.kinds))
      AND (rule.models = '{}' OR device.model = ANY(rule.models))
      AND (rule.sites = '{}' OR site.key = ANY(rule.sites))
)
SELECT device_id, rule, at, value, breached, alert_id AS held_by
FROM judged
WHERE (breached AND alert_id IS NULL) OR (cleared AND alert_id IS NOT NULL)
ORDER BY device_id, rule

-- Of each component only what nothing worse is known of: an open alert of another class says more.
-- name: new_anomalies
SELECT anomaly.at, anomaly.device_id, anomaly.component, anomaly.reasons,
       device.kind, device.model, coalesce(site.key, '') AS site, (
           SELECT max(maintenance.at)
           FROM maintenance
           WHERE maintenance.device_id = anomaly.device_id
             AND maintenance.component = anomaly.component AND maintenance.recorded_at <= %(now)s
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
