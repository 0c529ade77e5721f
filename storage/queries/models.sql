-- name: devices
SELECT id FROM device WHERE kind = %(kind)s ORDER BY id

-- name: span
SELECT min(hour) AS first, max(hour) AS last
FROM rollup_hourly
WHERE device_id IN (SELECT id FROM device WHERE kind = %(kind)s) AND hour <= %(now)s

-- name: tasks
SELECT device.kind, failure.component, count(*) AS failures
FROM failure JOIN device ON device.id = failure.device_id
WHERE failure.at <= %(now)s
GROUP BY device.kind, failure.component
HAVING count(*) >= %(fewest)s
ORDER BY device.kind, failure.component

-- name: gauges
SELECT name FROM metric
WHERE kind = 'gauge' AND EXISTS (
    SELECT FROM rollup_hourly
    WHERE metric_id = metric.id AND device_id = ANY(%(devices)s)
      AND hour >= %(start)s AND hour < %(end)s)
ORDER BY name

-- name: counters
SELECT name FROM metric
WHERE kind = 'counter' AND EXISTS (
    SELECT FROM rollup_hourly
    WHERE metric_id = metric.id AND device_id = ANY(%(devices)s)
      AND hour >= %(start)s AND hour < %(end)s)
ORDER BY name

-- name: codes
SELECT name
FROM (
    SELECT component || ':' || code AS name, count(*) AS seen
    FROM device_event
    WHERE device_id = ANY(%(devices)s) AND at >= %(start)s AND at < %(end)s
    GROUP BY component, code
    HAVING count(*) >= 10
    ORDER BY count(*) DESC
    LIMIT 40
) AS frequent
ORDER BY name

-- name: components
SELECT component AS name FROM failure WHERE device_id = ANY(%(devices)s) AND at < %(end)s
UNION
SELECT component FROM maintenance WHERE device_id = ANY(%(devices)s) AND at < %(end)s
ORDER BY name

-- name: makes
SELECT DISTINCT model AS name FROM device
WHERE id = ANY(%(devices)s) AND model <> '' ORDER BY name

-- name: champions
SELECT id, task, horizon_h, threshold, feature_schema, settings, metrics, train_until,
       artifact_sha256
FROM model
WHERE stage = 'champion'
ORDER BY task

-- name: artifact
SELECT artifact FROM model WHERE id = %(id)s

-- name: retire_champion
UPDATE model SET stage = 'retired' WHERE task = %(task)s AND stage = 'champion'

-- name: add
INSERT INTO model (task, stage, trained_at, train_from, train_until, test_from, test_until,
                   horizon_h, feature_schema, threshold, metrics, settings, artifact,
                   artifact_sha256)
VALUES (%(task)s, %(stage)s, %(trained_at)s, %(train_from)s, %(train_until)s, %(test_from)s,
        %(test_until)s, %(horizon_h)s, %(feature_schema)s, %(threshold)s, %(metrics)s,
        %(settings)s, %(artifact)s, %(artifact_sha256)s)
RETURNING id

-- name: listing
SELECT id, task, stage, trained_at, train_from, train_until, test_from, test_until, horizon_h,
       threshold, metrics, artifact_sha256
FROM model
ORDER BY task, trained_at DESC
