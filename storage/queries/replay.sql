-- name: devices
SELECT id, key FROM device WHERE key = ANY(%(keys)s) AND adopted_at IS NOT NULL

-- name: beat_after
SELECT max(beat_at) AS at FROM collector_watch WHERE beat_at > %(end)s

-- name: tickets
SELECT ticket.device_id, ticket.component, ticket.origin, ticket.opened_at, ticket.failed_at,
       ticket.closed_at,
       (SELECT max(prediction.at) FROM prediction
        WHERE prediction.device_id = ticket.device_id
          AND prediction.component = ticket.component
          AND prediction.probability >= prediction.threshold
          AND prediction.at >= ticket.opened_at
          AND (ticket.failed_at IS NULL OR prediction.at < ticket.failed_at)
          AND (ticket.closed_at IS NULL OR prediction.at < ticket.closed_at)) AS last_alarm,
       (SELECT max(horizon_h) FROM prediction
        WHERE prediction.device_id = ticket.device_id
          AND prediction.component = ticket.component
          AND prediction.at = ticket.opened_at) AS horizon_h
FROM ticket
WHERE ticket.fault_class = 'breakdown' AND ticket.opened_at >= %(start)s
  AND ticket.opened_at <= %(end)s
