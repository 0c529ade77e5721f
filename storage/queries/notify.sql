-- Alerts, those of a whole batch among them, with all that a message tells.
-- name: alert_facts
SELECT alert.id, alert.state, alert.active, alert.closed_at, alert.severity, alert.message,
       alert.component, alert.fault_class, alert.rule, alert.reasons, alert.probability,
       alert.opened_at, device.key AS device, device.kind AS device_kind,
       site.key AS site, site.name AS site_name, customer.key AS customer,
       customer.name AS customer_name, engineer.key AS engineer, ticket.id AS ticket_id
FROM alert
LEFT JOIN device ON device.id = alert.device_id
LEFT JOIN batch ON batch.id = alert.id
LEFT JOIN site ON site.id = coalesce(device.site_id, batch.site_id)
LEFT JOIN customer ON customer.id = site.customer_id
LEFT JOIN LATERAL (
    SELECT ticket.id, assignee_id
    FROM ticket
    WHERE ticket.alert_id = alert.id AND ticket.closed_at IS NULL
    ORDER BY ticket.id DESC
    LIMIT 1
) ticket ON true
LEFT JOIN engineer ON engineer.id = coalesce(ticket.assignee_id, site.engineer_id)
WHERE alert.id = ANY(%(ids)s)

-- name: ticket_facts
SELECT ticket.id, ticket.state, ticket.closed_at, ticket.severity, ticket.title AS message,
       ticket.component, ticket.fault_class, ticket.origin, ticket.alert_id, ticket.opened_at,
       device.key AS device, device.kind AS device_kind, site.key AS site,
       site.name AS site_name, customer.key AS customer, customer.name AS customer_name,
       engineer.key AS engineer
FROM ticket
LEFT JOIN device ON device.id = ticket.device_id
LEFT JOIN batch ON batch.id = ticket.batch_id
LEFT JOIN site ON site.id = coalesce(ticket.site_id, device.site_id, batch.site_id)
LEFT JOIN customer ON customer.id = site.customer_id
LEFT JOIN engineer ON engineer.id = coalesce(ticket.assignee_id, site.engineer_id)
WHERE ticket.id = ANY(%(ids)s)

-- name: open_notices
SELECT id, subject, route, began_at, step, stepped_at, next_at, acknowledged_at, muted_at, returned_at,
       ended_at
FROM notice
WHERE subject = ANY(%(subjects)s) AND ended_at IS NULL
FOR UPDATE

-- name: due_notices
SELECT id, subject, route, began_at, step, stepped_at, next_at, acknowledged_at, muted_at, returned_at,
       ended_at
FROM notice
WHERE next_at <= %(now)s AND ended_at IS NULL
ORDER BY next_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: open_notice
INSERT INTO notice (subject, route, began_at, next_at)
SELECT * FROM unnest(%(subjects)s::text[], %(routes)s::text[], %(began)s::timestamptz[],
                     %(next)s::timestamptz[])

-- name: write_notices
UPDATE notice
SET step = made.step, stepped_at = made.stepped_at, next_at = made.next_at, acknowledged_at = made.acknowledged_at,
    muted_at = made.muted_at, returned_at = made.returned_at, ended_at = made.ended_at
FROM unnest(%(ids)s::bigint[], %(steps)s::int[], %(stepped)s::timestamptz[],
            %(next)s::timestamptz[], %(acknowledged)s::timestamptz[], %(muted)s::timestamptz[],
            %(returned)s::timestamptz[], %(ended)s::timestamptz[])
     AS made (id, step, stepped_at, next_at, acknowledged_at, muted_at, returned_at, ended_at)
WHERE notice.id = made.id

-- What no worker has begun to send is taken back; says which step it belonged to.
-- name: take_back
DELETE FROM delivery
WHERE notice_id = ANY(%(ids)s) AND state = 'waiting' AND attempts = 0
RETURNING notice_id, (content ->> 'step')::int AS step

-- name: told
SELECT DISTINCT notice_id, channel, person
FROM delivery
WHERE notice_id = ANY(%(ids)s)
ORDER BY notice_id, channel, person

-- name: take_feed_turn
INSERT INTO feed_turn (name, next_at) VALUES (%(name)s, %(next_at)s)
ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at
WHERE feed_turn.next_at <= %(wall)s
RETURNING done_at

-- name: feed_done
UPDATE feed_turn SET done_at = %(wall)s WHERE name = %(name)s

-- name: active_alerts
SELECT alert.id
FROM alert
WHERE alert.closed_at IS NULL AND alert.active AND alert.id > %(after)s
  AND alert.state IN ('unacknowledged', 'acknowledged')
ORDER BY alert.id
LIMIT %(limit)s

-- name: devices_by_key
SELECT key, id FROM device WHERE key = ANY(%(keys)s) AND adopted_at IS NOT NULL
