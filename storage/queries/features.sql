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

-- A unit that was replaced (component `device`) makes every part new that fails in its kind.
-- name: maintenance
WITH done AS MATERIALIZED (
    SELECT device_id, component, action, at, recorded_at AS known
    FROM maintenance
    WHERE device_id = ANY(%(devices)s) AND at <= %(end)s
), unit AS (
    SELECT done.*, device.kind FROM done JOIN device ON device.id = done.device_id
    WHERE done.component = 'device' AND done.action = 'replaced'
), part AS (
    SELECT DISTINCT device.kind, failure.component
    FROM failure JOIN device ON device.id = failure.device_id
    WHERE device.kind IN (SELECT kind FROM unit) AND failure.component <> 'device'
      AND failure.at <= %(end)s
)
SELECT device_id, component, action, at, known FROM done
UNION ALL
SELECT unit.device_id, part.component, unit.action, unit.at, unit.known
FROM unit JOIN part ON part.kind = unit.kind

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
