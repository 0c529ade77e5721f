-- The clocks of cases: their events, and what is to be looked at when.

-- name: events
SELECT ticket_id, version, at, kind, actor, from_state, to_state, data
FROM ticket_event WHERE ticket_id = ANY(%(ticket_ids)s)
ORDER BY ticket_id, version
