-- name: devices
SELECT device.id, device.kind, device.model, device.firmware, coalesce(site.key, '') AS site,
       device.attributes, device.installed_on
FROM device LEFT JOIN site ON site.id = device.site_id
WHERE device.id = ANY(%(devices)s)
ORDER BY device.id

-- name: metrics
SELECT id, name, kind FROM metric ORDER BY name

-- name: rollups
SELECT hour, device_id, metric_id, n, total, squares, low, high, first, last, growth
FROM rollup_hourly
WHERE device_id = ANY(%(devices)s) AND hour >= %(start)s AND hour < %(end)s

-- name: events
SELECT device_id, component, code, severity, at, received_at AS known
FROM device_event
WHERE device_id = ANY(%(devices)s) AND at >= %(events_start)s AND at <= %(end)s

-- name: maintenance
SELECT device_id, component, action, at, recorded_at AS known
FROM maintenance
WHERE device_id = ANY(%(devices)s) AND at <= %(end)s

-- name: failures
SELECT device_id, component, at, recorded_at AS known
FROM failure
WHERE device_id = ANY(%(devices)s) AND at <= %(end)s

-- name: facts
SELECT metric.name, metric.kind, min(rollup.low) AS low, max(rollup.high) AS high,
       avg(rollup.growth) AS growth, avg((rollup.growth > 0)::int) AS rising,
       coalesce(stddev_pop(rollup.growth) / nullif(avg(rollup.growth), 0), 0) AS varying
FROM rollup_hourly AS rollup JOIN metric ON metric.id = rollup.metric_id
WHERE rollup.device_id = ANY(%(devices)s) AND rollup.hour >= %(start)s AND rollup.hour < %(end)s
GROUP BY metric.name, metric.kind
ORDER BY metric.name

-- How all devices of some kinds stood, by group and hour: a counter by its growth, else by the mean.
-- name: peers
SELECT rollup.hour, grouped.place, rollup.metric_id, count(*)::int AS n, sum(stood) AS total,
       sum(stood * stood) AS squares
FROM rollup_hourly AS rollup
JOIN unnest(%(devices)s::int[], %(places)s::int[]) AS grouped (device_id, place) USING (device_id)
JOIN metric ON metric.id = rollup.metric_id,
LATERAL (SELECT CASE metric.kind WHEN 'counter' THEN growth ELSE total / rollup.n END AS stood) AS level
WHERE rollup.hour >= %(start)s AND rollup.hour < %(end)s
GROUP BY rollup.hour, grouped.place, rollup.metric_id

-- name: of_kinds
SELECT id FROM device
WHERE kind IN (SELECT kind FROM device WHERE id = ANY(%(devices)s))
ORDER BY id
