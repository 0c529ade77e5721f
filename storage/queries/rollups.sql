-- Rollups are refreshed by one at a time: an hour's growth begins with the hour before it.
-- name: take_turn
SELECT pg_try_advisory_xact_lock(hashtext('forecall.rollups')) AS mine

-- name: claim
DELETE FROM rollup_touched
WHERE (device_id, hour) IN (
    SELECT device_id, hour FROM rollup_touched
    ORDER BY hour, device_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
RETURNING device_id, hour

-- name: counters
SELECT name FROM metric WHERE kind = 'counter' ORDER BY name

-- A statement of its own after the claim: it sees what was committed until the claim's locks were
-- granted. Each probe is one range of the index (device, metric, time).
-- name: recompute
INSERT INTO rollup_hourly
    (hour, device_id, metric_id, n, total, squares, low, high, first, last, growth, before)
SELECT touched.hour, touched.device_id, metric.id, hourly.*, 0, 'NaN'
FROM unnest(%(devices)s::int4[], %(hours)s::timestamptz[]) AS touched (device_id, hour)
CROSS JOIN metric
CROSS JOIN LATERAL (
    SELECT count(*)::int AS n, sum(value), sum(value * value), min(value), max(value),
           (array_agg(value ORDER BY at, received_at, value))[1],
           (array_agg(value ORDER BY at DESC, received_at DESC, value DESC))[1]
    FROM reading
    WHERE reading.device_id = touched.device_id AND reading.metric_id = metric.id
      AND reading.at >= touched.hour AND reading.at < touched.hour + interval '1 hour'
) AS hourly
WHERE hourly.n > 0 AND metric.kind = 'gauge'
UNION ALL
SELECT touched.hour, touched.device_id, metric.id, hourly.*
FROM (
    SELECT device_id, hour, EXISTS (
        SELECT FROM maintenance
        WHERE maintenance.device_id = wanted.device_id AND action = 'replaced'
          AND at > hour - %(back)s::interval AND at < hour + interval '1 hour'
    ) AS replaced
    FROM unnest(%(devices)s::int4[], %(hours)s::timestamptz[]) AS wanted (device_id, hour)
) AS touched
CROSS JOIN metric
LEFT JOIN unnest(%(counters)s::text[], %(components)s::text[]) AS part (metric, component)
    ON part.metric = metric.name
CROSS JOIN LATERAL (
    SELECT count(*)::int AS n, sum(value), sum(value * value), min(value), max(value),
           min(value) FILTER (WHERE before_at IS NULL OR before_at < touched.hour),
           min(value) FILTER (WHERE is_last),
           sum(CASE WHEN touched.replaced AND EXISTS (
                   SELECT FROM maintenance
                   WHERE maintenance.device_id = touched.device_id
                     AND maintenance.component IN (part.component, 'device') AND action = 'replaced'
                     AND maintenance.at > step.before_at AND maintenance.at <= step.at
               ) THEN 0 ELSE counter_step(step.before, step.value) END),
           coalesce(min(before) FILTER (WHERE before_at < touched.hour), 'NaN')
    FROM (
        SELECT at, value, lag(value) OVER series AS before, lag(at) OVER series AS before_at,
               lead(at) OVER series IS NULL AS is_last
        FROM (
            SELECT at, received_at, value
            FROM reading
            WHERE reading.device_id = touched.device_id AND reading.metric_id = metric.id
              AND reading.at >= touched.hour AND reading.at < touched.hour + interval '1 hour'
            UNION ALL (
                SELECT at, received_at, value
                FROM reading
                WHERE reading.device_id = touched.device_id AND reading.metric_id = metric.id
                  AND reading.at < touched.hour AND reading.at >= touched.hour - %(back)s::interval
                ORDER BY at DESC, received_at DESC, value DESC LIMIT 1)
        ) AS readings
        WINDOW series AS (ORDER BY at, received_at, value)
    ) AS step
    WHERE step.at >= touched.hour
) AS hourly
WHERE hourly.n > 0 AND metric.kind = 'counter'
ON CONFLICT (device_id, metric_id, hour) DO UPDATE
SET n = excluded.n, total = excluded.total, squares = excluded.squares,
    low = excluded.low, high = excluded.high, first = excluded.first, last = excluded.last,
    growth = excluded.growth, before = excluded.before

-- The next hours whose growth began from another reading than what is the last one now. Their own last
-- readings do not change by it, so it goes no further.
-- name: touch_next
INSERT INTO rollup_touched (device_id, hour)
SELECT DISTINCT rollup.device_id, next.hour
FROM unnest(%(devices)s::int4[], %(hours)s::timestamptz[]) AS touched (device_id, hour)
JOIN rollup_hourly AS rollup USING (device_id, hour)
JOIN metric ON metric.id = rollup.metric_id AND metric.kind = 'counter'
CROSS JOIN LATERAL (
    SELECT later.hour, later.before FROM rollup_hourly AS later
    WHERE later.device_id = rollup.device_id AND later.metric_id = rollup.metric_id
      AND later.hour > rollup.hour
    ORDER BY later.hour LIMIT 1
) AS next
WHERE next.before IS DISTINCT FROM rollup.last AND next.hour <= rollup.hour + %(back)s::interval
ORDER BY 1, 2
ON CONFLICT (device_id, hour) DO NOTHING
