-- The clocks of cases: their events, and what is to be looked at when.

-- name: events
SELECT ticket_id, version, at, kind, actor, from_state, to_state, data
FROM ticket_event WHERE ticket_id = ANY(%(ticket_ids)s)
ORDER BY ticket_id, version

-- Open cases that have changed since, or whose moment has come; and those that have ended meanwhile.
-- name: to_look_at
SELECT ticket.id, false AS ended
FROM ticket LEFT JOIN sla_watch AS seen ON seen.ticket_id = ticket.id
WHERE ticket.closed_at IS NULL AND ticket.id > %(after)s
  AND (seen.ticket_id IS NULL OR seen.version <> ticket.version OR seen.wake_at < %(now)s)
UNION ALL
SELECT ticket.id, true
FROM sla_watch AS seen JOIN ticket ON ticket.id = seen.ticket_id
WHERE ticket.closed_at IS NOT NULL AND ticket.id > %(after)s
ORDER BY id
LIMIT %(limit)s

-- name: looked_at
INSERT INTO sla_watch (ticket_id, version, wake_at, due_at)
SELECT * FROM unnest(%(ticket_ids)s::bigint[], %(versions)s::integer[], %(wake_at)s::timestamptz[],
                     %(due_at)s::timestamptz[])
ON CONFLICT (ticket_id) DO UPDATE
SET version = EXCLUDED.version, wake_at = EXCLUDED.wake_at, due_at = EXCLUDED.due_at

-- name: done_with
DELETE FROM sla_watch WHERE ticket_id = ANY(%(ticket_ids)s)

-- name: closed_between
SELECT ticket.id, ticket.closed_at, ticket.state, ticket.device_id, ticket.assignee_id,
       site.id AS site_id, site.customer_id
FROM ticket
LEFT JOIN site ON site.id = (SELECT site_id FROM site_of_ticket WHERE ticket_id = ticket.id)
WHERE ticket.closed_at >= %(since)s AND ticket.closed_at < %(until)s
  AND (%(customer_id)s::integer IS NULL OR site.customer_id = %(customer_id)s)
ORDER BY ticket.closed_at, ticket.id

-- name: lock
SELECT * FROM ticket WHERE id = ANY(%(ticket_ids)s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
