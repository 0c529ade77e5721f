-- Predictions that are watched and not acted upon, and what came of them.

-- name: in_force
SELECT id, share, below, spared, salt FROM hold_out ORDER BY id DESC LIMIT 1

-- name: standing
-- The draws that still hold: their horizon lasts, and the component has not failed since.
SELECT DISTINCT ON (device_id, component) device_id, component, held_out
FROM prediction_draw AS drawn
WHERE until > %(now)s AND device_id = ANY (%(device_ids)s)
  AND NOT EXISTS (SELECT FROM failure
                  WHERE failure.device_id = drawn.device_id AND failure.component = drawn.component
                    AND failure.at > drawn.at AND failure.at <= %(now)s)
ORDER BY device_id, component, id DESC

-- name: circumstances
-- What decides of each device whether a prediction about it is of low risk.
SELECT device.id, device.key, device.kind,
       coalesce((SELECT array_agg(component) FROM ticket
                 WHERE ticket.device_id = device.id AND closed_at IS NULL), '{}') AS open_tickets
FROM device WHERE device.id = ANY (%(device_ids)s)

-- name: draw
INSERT INTO prediction_draw (hold_out_id, device_id, component, at, until, probability, eligible, lot,
                             held_out)
VALUES (%(hold_out_id)s, %(device_id)s, %(component)s, %(at)s, %(until)s, %(probability)s,
        %(eligible)s, %(lot)s, %(held_out)s)

-- name: set
INSERT INTO hold_out (at, actor, share, below, spared, salt)
VALUES (%(now)s, %(actor)s, %(share)s, %(below)s, %(spared)s, %(salt)s)

-- name: outcomes
-- What came of each draw of the period; over: it failed, or its horizon has ended.
SELECT drawn.id, drawn.hold_out_id, hold_out.share, hold_out.below, device.key AS device,
       drawn.component, drawn.at, drawn.until, drawn.probability, drawn.eligible, drawn.held_out,
       came.at AS failed_at, (came.at IS NOT NULL OR drawn.until <= %(now)s) AS over
FROM prediction_draw AS drawn
JOIN hold_out ON hold_out.id = drawn.hold_out_id
JOIN device ON device.id = drawn.device_id
LEFT JOIN LATERAL (
    SELECT min(failure.at) AS at FROM failure
    WHERE failure.device_id = drawn.device_id AND failure.component = drawn.component
      AND failure.at > drawn.at AND failure.at <= least(drawn.until, %(now)s)
) came ON true
WHERE drawn.at >= %(start)s AND drawn.at < %(end)s
ORDER BY drawn.id

-- name: acted
-- Cases that predictions opened or joined before any failure: what became of them.
SELECT count(*) AS acted, count(*) FILTER (WHERE failed_at IS NOT NULL) AS failed,
       count(*) FILTER (WHERE finding = 'worn' AND failed_at IS NULL) AS worn
FROM ticket
WHERE predicted_at >= %(start)s AND predicted_at < %(end)s AND closed_at IS NOT NULL
  AND state = 'closed' AND predicted_at < coalesce(failed_at, 'infinity')
