-- name: claim
DELETE FROM rollup_touched
WHERE (device_id, hour) IN (
    SELECT device_id, hour FROM rollup_touched
    ORDER BY hour, device_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
RETURNING device_id, hour

-- A statement of its own after the claim: it sees what was committed until the claim's locks were
-- granted. Each probe is one range of the index (device, metric, time).
-- name: recompute
INSERT INTO rollup_hourly
    (hour, device_id, metric_id, n, total, squares, low, high, first, last)
SELECT touched.hour, touched.device_id, metric.id, hourly.*
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
WHERE hourly.n > 0
ON CONFLICT (device_id, metric_id, hour) DO UPDATE
SET n = excluded.n, total = excluded.total, squares = excluded.squares,
    low = excluded.low, high = excluded.high, first = excluded.first, last = excluded.last
