-- name: known_digest
SELECT imported_at FROM history_import WHERE digest = %(digest)s

-- name: remember
INSERT INTO history_import (digest, folder, imported_at, counts)
VALUES (%(digest)s, %(folder)s, %(at)s, %(counts)s)

-- name: ensure_customer
INSERT INTO customer (key, name) VALUES (%(key)s, %(key)s) ON CONFLICT (key) DO NOTHING

-- name: ensure_site
INSERT INTO site (key, name, customer_id)
SELECT %(key)s, %(key)s, id FROM customer WHERE key = %(customer)s
ON CONFLICT (key) DO NOTHING

-- name: ensure_device
INSERT INTO device (key, site_id, kind, model, firmware, installed_on, attributes, adopted_at)
VALUES (%(key)s, (SELECT id FROM site WHERE key = %(site)s), %(kind)s, %(model)s, %(firmware)s,
        %(installed_on)s, %(attributes)s, %(at)s)
ON CONFLICT (key) DO UPDATE SET adopted_at = coalesce(device.adopted_at, excluded.adopted_at)

-- In the order of `keys`.
-- name: device_ids
SELECT device.id
FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS wanted (key, place)
JOIN device ON device.key = wanted.key
ORDER BY place

-- name: ensure_metric
INSERT INTO metric (name, kind) VALUES (%(name)s, %(kind)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id

-- name: add_maintenance
INSERT INTO maintenance (device_id, component, action, at, recorded_at, source)
VALUES (%(device_id)s, %(component)s, %(action)s, %(at)s, %(at)s, 'history')
ON CONFLICT DO NOTHING

-- name: add_failure
INSERT INTO failure (device_id, component, at, recorded_at, source)
VALUES (%(device_id)s, %(component)s, %(at)s, %(at)s, 'history')
ON CONFLICT DO NOTHING

-- name: roll_up
WITH step AS (
    SELECT at, device_id, metric_id, value,
           lag(value) OVER series AS before, lag(at) OVER series AS before_at
    FROM reading
    WHERE device_id = ANY(%(devices)s) AND at >= %(start)s AND at < %(end)s
    WINDOW series AS (PARTITION BY device_id, metric_id ORDER BY at, received_at, value)
), whole AS (
    SELECT step.at, step.device_id, step.metric_id, step.value, metric.kind, part.component,
           coalesce(step.before, earlier.value) AS before,
           coalesce(step.before_at, earlier.at) AS before_at
    FROM step
    JOIN metric ON metric.id = step.metric_id
    LEFT JOIN unnest(%(counters)s::text[], %(components)s::text[]) AS part (metric, component)
        ON part.metric = metric.name
    LEFT JOIN LATERAL (
        SELECT value, at FROM reading
        WHERE reading.device_id = step.device_id AND reading.metric_id = step.metric_id
          AND reading.at < %(start)s AND reading.at >= %(start)s - %(back)s::interval
        ORDER BY at DESC, received_at DESC, value DESC LIMIT 1
    ) AS earlier ON step.before IS NULL AND metric.kind = 'counter'
)
INSERT INTO rollup_hourly
    (hour, device_id, metric_id, n, total, squares, low, high, first, last, growth, before)
SELECT date_trunc('hour', at, 'UTC'), device_id, metric_id, count(*), sum(value),
       sum(value * value), min(value), max(value),
       (array_agg(value ORDER BY at))[1], (array_agg(value ORDER BY at DESC))[1],
       sum(CASE WHEN kind = 'gauge' OR EXISTS (
               SELECT FROM maintenance
               WHERE maintenance.device_id = whole.device_id
                 AND maintenance.component IN (whole.component, 'device') AND action = 'replaced'
                 AND maintenance.at > whole.before_at AND maintenance.at <= whole.at
           ) THEN 0 ELSE counter_step(before, value) END),
       coalesce((array_agg(before ORDER BY at) FILTER (WHERE kind = 'counter'))[1], 'NaN')
FROM whole
GROUP BY date_trunc('hour', at, 'UTC'), device_id, metric_id
ON CONFLICT (device_id, metric_id, hour) DO UPDATE
SET n = excluded.n, total = excluded.total, squares = excluded.squares, low = excluded.low,
    high = excluded.high, first = excluded.first, last = excluded.last,
    growth = excluded.growth, before = excluded.before
