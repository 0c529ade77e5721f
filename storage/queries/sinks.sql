-- name: read
SELECT ticket_id, system, foreign_id, version, our_stage, their_stage, notes_seen
FROM ticket_sync WHERE ticket_id = %(ticket_id)s AND system = %(system)s

-- name: write
INSERT INTO ticket_sync (ticket_id, system, foreign_id, version, our_stage, their_stage,
                         notes_seen, synced_at)
VALUES (%(ticket_id)s, %(system)s, %(foreign_id)s, %(version)s, %(our_stage)s, %(their_stage)s,
        %(notes_seen)s, %(synced_at)s)
ON CONFLICT (ticket_id, system) DO UPDATE
SET foreign_id = excluded.foreign_id, version = excluded.version,
    our_stage = excluded.our_stage, their_stage = excluded.their_stage,
    notes_seen = excluded.notes_seen, synced_at = excluded.synced_at

-- name: ticket
SELECT * FROM ticket WHERE id = %(ticket_id)s


-- name: tickets_of
SELECT ticket_id, foreign_id
FROM ticket_sync
JOIN ticket ON ticket.id = ticket_id
WHERE system = %(system)s AND foreign_id = ANY(%(foreign_ids)s)

