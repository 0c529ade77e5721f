-- name: devices
SELECT id, model, installed_on FROM device WHERE id = ANY(%(devices)s) ORDER BY id

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
SELECT device_id, component, at, recorded_at AS known
FROM maintenance
WHERE device_id = ANY(%(devices)s) AND at <= %(end)s

-- name: failures
SELECT device_id, component, at, recorded_at AS known
FROM failure
WHERE device_id = ANY(%(devices)s) AND at <= %(end)s
