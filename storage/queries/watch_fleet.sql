-- name: take_turn
SELECT pg_try_advisory_xact_lock(hashtext('forecall.watch_fleet')) AS mine

-- name: kinds
SELECT DISTINCT kind FROM device ORDER BY kind

-- name: newest
SELECT max(until) AS until FROM fleet_level WHERE kind = %(kind)s

-- name: first_hour
SELECT min(hour) AS hour FROM rollup_hourly
WHERE hour >= %(since)s AND device_id IN (SELECT id FROM device WHERE kind = %(kind)s)

-- name: window
SELECT metric_id, device_id,
       coalesce(sum(growth) FILTER (WHERE metric.kind = 'counter'),
                sum(total) / nullif(sum(n), 0)) AS level,
       (array_agg(last ORDER BY hour DESC))[1] AS newest
FROM rollup_hourly
JOIN metric ON metric.id = metric_id
WHERE hour >= %(start)s AND hour < %(until)s AND n > 0
  AND device_id IN (SELECT id FROM device WHERE kind = %(kind)s)
GROUP BY metric_id, device_id

-- name: metrics
SELECT id, name, kind FROM metric ORDER BY id

-- name: trouble
SELECT component, device_id, count(*) AS count
FROM device_event
WHERE at >= %(start)s AND at < %(until)s AND severity <> 'info'
  AND device_id IN (SELECT id FROM device WHERE kind = %(kind)s)
GROUP BY component, device_id

-- name: add
INSERT INTO fleet_level (kind, until, device_ids, subjects, counted, level, newest, apart,
                         unusual, components, score)
VALUES (%(kind)s, %(until)s, %(device_ids)s, %(subjects)s, %(counted)s, %(level)s, %(newest)s,
        %(apart)s, %(unusual)s, %(components)s, %(score)s)
ON CONFLICT (kind, until) DO NOTHING

-- name: levels
SELECT until, device_ids, subjects, counted, level FROM fleet_level
WHERE kind = %(kind)s AND until > %(since)s AND until <= %(until)s
ORDER BY until

-- name: newest_values
SELECT until, device_ids, subjects, newest FROM fleet_level
WHERE kind = %(kind)s AND until > %(since)s AND until <= %(until)s
ORDER BY until

-- name: apart
SELECT until, device_ids, subjects, apart FROM fleet_level
WHERE kind = %(kind)s AND until > %(since)s AND until <= %(until)s
ORDER BY until

-- name: unusual
SELECT until, device_ids, subjects, unusual FROM fleet_level
WHERE kind = %(kind)s AND until > %(since)s AND until <= %(until)s
ORDER BY until

-- name: score
SELECT until, device_ids, components AS subjects, score FROM fleet_level
WHERE kind = %(kind)s AND until > %(since)s AND until <= %(until)s
ORDER BY until

-- name: forget
DELETE FROM fleet_level WHERE kind = %(kind)s AND until <= %(before)s

-- name: places
SELECT id, model, coalesce(site_id, 0) AS site FROM device
WHERE kind = %(kind)s ORDER BY id

-- name: judged_by_models
SELECT split_part(task, '/', 2) AS component FROM model
WHERE stage = 'champion' AND split_part(task, '/', 1) = %(kind)s

-- name: alarmed
SELECT at, device_id, component FROM anomaly WHERE at > %(since)s AND at <= %(until)s

-- name: add_anomaly
INSERT INTO anomaly (at, device_id, component, score, chance, reasons)
VALUES (%(at)s, %(device_id)s, %(component)s, %(score)s, %(chance)s, %(reasons)s)
ON CONFLICT (device_id, component, at) DO NOTHING

-- name: forget_anomalies
DELETE FROM anomaly WHERE at <= %(before)s

-- name: put_consumables
INSERT INTO consumable (device_id, metric, component, at, level, edge, early, likely, late, visit)
SELECT device_id, %(metric)s, %(component)s, %(at)s, level, edge,
       %(at)s + early * interval '1 day', %(at)s + likely * interval '1 day',
       %(at)s + late * interval '1 day', %(at)s + visit * interval '1 day'
FROM unnest(%(device_ids)s::integer[], %(levels)s::real[], %(edges)s::real[],
            %(early)s::float8[], %(likely)s::float8[], %(late)s::float8[], %(visit)s::float8[])
     AS told (device_id, level, edge, early, likely, late, visit)
ON CONFLICT (device_id, metric) DO UPDATE
SET at = excluded.at, level = excluded.level, edge = excluded.edge, early = excluded.early,
    likely = excluded.likely, late = excluded.late, visit = excluded.visit

-- name: drop_stale_consumables
DELETE FROM consumable WHERE at <= %(before)s
