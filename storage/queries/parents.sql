-- name: declare
INSERT INTO parent (key, kind, name, device_id, declared_at, declared_by)
VALUES (%(key)s, %(kind)s, %(name)s, %(device_id)s, %(now)s, %(actor)s)
ON CONFLICT (key) DO UPDATE
SET kind = excluded.kind, name = excluded.name, device_id = excluded.device_id
RETURNING id

-- name: lock
SELECT kind, key, name, device_id FROM parent WHERE key = %(key)s FOR UPDATE

-- name: devices
SELECT id, key FROM device WHERE key = ANY(%(keys)s)

-- name: tie
INSERT INTO device_parent (device_id, parent_id)
SELECT unnest(%(device_ids)s::int[]), %(parent_id)s
ON CONFLICT DO NOTHING

-- name: untie
DELETE FROM device_parent
WHERE parent_id = %(parent_id)s AND NOT device_id = ANY(%(device_ids)s::int[])

-- name: remove
DELETE FROM parent WHERE key = %(key)s RETURNING id

-- name: parents
SELECT parent.id, parent.key, parent.kind, parent.name, watched.key AS device,
       array_agg(child.key ORDER BY child.key) FILTER (WHERE child.key IS NOT NULL) AS devices,
       down.declared_at AS down_since, down.id AS batch_id
FROM parent
LEFT JOIN device AS watched ON watched.id = parent.device_id
LEFT JOIN device_parent ON device_parent.parent_id = parent.id
LEFT JOIN device AS child ON child.id = device_parent.device_id
LEFT JOIN batch AS down ON down.kind = parent.kind AND down.key = parent.key
                       AND down.ended_at IS NULL AND down.declared_at IS NOT NULL
                       AND down.cleared_at IS NULL
GROUP BY parent.id, watched.key, down.id
ORDER BY parent.key

-- Pairs of devices that went down within moments of each other again and again, and hardly ever alone.
-- Outages of very many at once say nothing of two of them.
-- name: together
WITH down AS (
    SELECT device_id, at, count(*) OVER near AS crowd
    FROM device_transition
    JOIN device ON device.id = device_id AND device.adopted_at IS NOT NULL
    WHERE to_state = 'down' AND at > %(since)s
    WINDOW near AS (ORDER BY at RANGE BETWEEN %(apart)s PRECEDING AND %(apart)s FOLLOWING)
), often AS (
    SELECT device_id, count(*) AS times FROM down GROUP BY device_id HAVING count(*) >= %(least)s
), pair AS (
    SELECT one.device_id AS a, other.device_id AS b, count(DISTINCT one.at) AS together
    FROM down AS one
    JOIN down AS other ON other.device_id > one.device_id
     AND other.at BETWEEN one.at - %(apart)s AND one.at + %(apart)s
    WHERE one.crowd <= %(crowd)s AND other.crowd <= %(crowd)s
    GROUP BY one.device_id, other.device_id
    HAVING count(DISTINCT one.at) >= %(least)s
)
SELECT a, b, together, together::float8 / greatest(first.times, second.times) AS share
FROM pair
JOIN often AS first ON first.device_id = a
JOIN often AS second ON second.device_id = b
WHERE together >= %(share)s * greatest(first.times, second.times)
ORDER BY a, b

-- Whether something that is declared explains it already.
-- name: known
SELECT EXISTS (
    SELECT FROM device_parent WHERE device_id = ANY(%(device_ids)s::int[])
    GROUP BY parent_id HAVING count(*) = cardinality(%(device_ids)s::int[])
) AS known

-- name: propose
INSERT INTO parent_proposal (device_ids, together, share, since, proposed_at)
VALUES (%(device_ids)s, %(together)s, %(share)s, %(since)s, %(now)s)
ON CONFLICT (device_ids) DO UPDATE
SET together = excluded.together, share = excluded.share, since = excluded.since
WHERE parent_proposal.decided_at IS NULL
RETURNING id

-- name: proposals
SELECT proposal.id, proposal.together, proposal.share, proposal.since, proposal.proposed_at,
       (SELECT array_agg(key ORDER BY key) FROM device WHERE id = ANY(proposal.device_ids)) AS devices
FROM parent_proposal AS proposal
WHERE decided_at IS NULL
ORDER BY cardinality(device_ids) DESC, id

-- name: decide
UPDATE parent_proposal SET decided_at = %(now)s, decided_by = %(actor)s, parent_id = %(parent_id)s
WHERE id = %(id)s AND decided_at IS NULL
RETURNING device_ids

