-- name: devices
SELECT id FROM device WHERE kind = %(kind)s ORDER BY id

-- name: places
SELECT coalesce(site_id, -1) AS site_id, key FROM device WHERE id = ANY(%(devices)s) ORDER BY id

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

-- name: in_use
SELECT id, task, stage, horizon_h, threshold, feature_schema, settings, distribution, train_until,
       scored_at, artifact_sha256
FROM model
WHERE stage = ANY(%(stages)s)
ORDER BY task, stage

-- name: artifact
SELECT artifact FROM model WHERE id = %(id)s

-- name: displace
UPDATE model SET stage = %(to)s WHERE task = %(task)s AND stage = %(stage)s

-- name: add
INSERT INTO model (task, stage, trained_at, promoted_at, train_from, train_until, test_from,
                   test_until, horizon_h, feature_schema, threshold, metrics, settings, gate,
                   distribution, artifact, artifact_sha256)
VALUES (%(task)s, %(stage)s, %(trained_at)s, %(promoted_at)s, %(train_from)s, %(train_until)s,
        %(test_from)s, %(test_until)s, %(horizon_h)s, %(feature_schema)s, %(threshold)s,
        %(metrics)s, %(settings)s, %(gate)s, %(distribution)s, %(artifact)s, %(artifact_sha256)s)
RETURNING id

-- name: listing
SELECT id, task, stage, trained_at, promoted_at, train_from, train_until, test_from, test_until,
       horizon_h, threshold, feature_schema, metrics, gate, artifact_sha256,
       jsonb_build_object('costs', settings -> 'costs') AS settings
FROM model
ORDER BY task, trained_at DESC, id DESC

-- name: entry
SELECT id, task, stage, trained_at, promoted_at, train_from, train_until, test_from, test_until,
       horizon_h, threshold, feature_schema, metrics, gate, settings, distribution, scored_at,
       artifact_sha256
FROM model
WHERE id = %(id)s

-- name: lock_task
SELECT FROM model WHERE task = %(task)s ORDER BY id FOR UPDATE

-- name: move
UPDATE model SET stage = %(stage)s, promoted_at = %(promoted_at)s WHERE id = %(id)s

-- Who took charge last before the present champion did; last of all where nobody is in charge.
-- name: champion_before
SELECT id
FROM model
WHERE task = %(task)s AND stage <> 'champion'
  AND promoted_at <= coalesce(
      (SELECT promoted_at FROM model WHERE task = %(task)s AND stage = 'champion'), 'infinity')
ORDER BY promoted_at DESC, id DESC
LIMIT 1

-- Of all who took charge after `id` did.
-- name: forget_promotion
UPDATE model SET promoted_at = NULL
WHERE task = %(task)s AND id <> %(id)s
  AND (promoted_at, id) > (SELECT promoted_at, id FROM model WHERE id = %(id)s)

-- name: task_names
SELECT DISTINCT task FROM model ORDER BY task

-- Devices that were heard, repaired or failed since then; of those that never spoke live, all.
-- name: news
SELECT device.id
FROM device
LEFT JOIN device_status ON device_status.device_id = device.id
WHERE device.kind = %(kind)s
  AND (%(since)s::timestamptz IS NULL
       OR coalesce(device_status.last_seen_at >= %(since)s, true)
       OR EXISTS (SELECT FROM maintenance
                  WHERE device_id = device.id AND recorded_at >= %(since)s)
       OR EXISTS (SELECT FROM failure
                  WHERE device_id = device.id AND recorded_at >= %(since)s))
ORDER BY device.id

-- name: scored
UPDATE model SET scored_at = %(at)s WHERE id = ANY(%(ids)s)

-- Tickets that a prediction opened. A failure within the time foretold counts, whichever ticket it came
-- to; a repair by a person; and the reason for which the ticket was cancelled.
-- name: outcomes
SELECT ticket.id, ticket.device_id, ticket.component, ticket.predicted_at, ticket.closed_at,
       told.model_id,
       coalesce(ticket.failed_at, (
           SELECT min(at) FROM failure
           WHERE device_id = ticket.device_id AND component = ticket.component
             AND at > ticket.predicted_at
             AND at <= ticket.predicted_at + coalesce(told.horizon_h, 24) * interval '1 hour'
             AND at <= %(now)s)) AS failed_at,
       done.repaired_at, done.reason, ticket.finding, done.found_at
FROM ticket
LEFT JOIN LATERAL (
    SELECT model_id, horizon_h FROM prediction
    WHERE device_id = ticket.device_id AND component = ticket.component
      AND at <= ticket.predicted_at AND at > ticket.predicted_at - interval '3 days'
      AND probability >= threshold
    ORDER BY at DESC LIMIT 1
) AS told ON true
LEFT JOIN LATERAL (
    SELECT min(at) FILTER (WHERE data ->> 'move' IN ('repair', 'replace', 'replace_unit'))
               AS repaired_at,
           min(data ->> 'reason') FILTER (WHERE data ->> 'move' = 'cancel') AS reason,
           max(at) FILTER (WHERE kind = 'found') AS found_at
    FROM ticket_event
    WHERE ticket_id = ticket.id AND kind IN ('moved', 'found') AND at <= %(now)s
) AS done ON true
WHERE ticket.origin = 'prediction' AND ticket.fault_class = 'breakdown'
  AND ticket.predicted_at >= %(since)s AND ticket.predicted_at <= %(now)s
ORDER BY ticket.predicted_at, ticket.id

-- One prediction of a device a day whose time is over, and what came first.
-- name: matured
SELECT DISTINCT ON (p.device_id, date_trunc('day', p.at, 'UTC'))
       p.device_id, p.at, p.probability,
       failed.at IS NOT NULL AS failed,
       (SELECT min(m.at) FROM maintenance m
        WHERE m.device_id = p.device_id AND m.at > p.at
          AND (m.component = p.component OR m.component = 'device' AND m.action = 'replaced')
          AND m.at <= p.at + p.horizon_h * interval '1 hour'
          AND m.at < coalesce(failed.at, 'infinity')) AS serviced_at
FROM prediction p
LEFT JOIN LATERAL (
    SELECT min(f.at) AS at FROM failure f
    WHERE f.device_id = p.device_id AND f.component = p.component AND f.at > p.at
      AND f.at <= p.at + p.horizon_h * interval '1 hour'
) AS failed ON true
WHERE p.model_id = %(model_id)s AND p.at >= %(start)s AND p.at <= %(until)s
ORDER BY p.device_id, date_trunc('day', p.at, 'UTC'), p.at

-- What two models foretold of a component at the same moments, one of them in shadow perhaps: one moment
-- of each device in three hours, whose time is over.
-- name: side_by_side
SELECT DISTINCT ON (device_id, date_bin('3 hours', at, 'epoch')) device_id, at, first, second
FROM (
    SELECT device_id, at, max(probability) FILTER (WHERE model_id = %(first)s) AS first,
           max(probability) FILTER (WHERE model_id = %(second)s) AS second
    FROM (
        SELECT device_id, at, model_id, probability FROM prediction
        WHERE component = %(component)s AND model_id IN (%(first)s, %(second)s)
          AND at >= %(start)s AND at <= %(until)s
        UNION ALL
        SELECT device_id, at, model_id, probability FROM shadow_prediction
        WHERE component = %(component)s AND model_id IN (%(first)s, %(second)s)
          AND at >= %(start)s AND at <= %(until)s
    ) AS told
    GROUP BY device_id, at
) AS asked
WHERE first IS NOT NULL AND second IS NOT NULL
ORDER BY device_id, date_bin('3 hours', at, 'epoch'), at

-- name: note_check
INSERT INTO model_check (model_id, kind, at, value, bound, alarmed, detail)
VALUES (%(model_id)s, %(kind)s, %(at)s, %(value)s, %(bound)s, %(alarmed)s, %(detail)s)

-- name: checks
SELECT DISTINCT ON (model_id, kind) model_id, kind, at, value, bound, alarmed, detail
FROM model_check
JOIN model ON model.id = model_id AND model.stage = 'champion'
ORDER BY model_id, kind, at DESC, model_check.id DESC

-- name: trained_since
SELECT DISTINCT settings ->> 'kind' AS kind FROM model WHERE trained_at > %(since)s
