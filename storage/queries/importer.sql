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
RETURNING id

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
INSERT INTO rollup_hourly (hour, device_id, metric_id, n, total, squares, low, high, first, last)
SELECT date_trunc('hour', at), device_id, metric_id, count(*), sum(value), sum(value * value),
       min(value), max(value),
       (array_agg(value ORDER BY at))[1], (array_agg(value ORDER BY at DESC))[1]
FROM reading
WHERE device_id = ANY(%(devices)s) AND at >= %(start)s AND at < %(end)s
GROUP BY date_trunc('hour', at), device_id, metric_id
ON CONFLICT (device_id, metric_id, hour) DO UPDATE
SET n = excluded.n, total = excluded.total, squares = excluded.squares, low = excluded.low,
    high = excluded.high, first = excluded.first, last = excluded.last
