-- name: announce
INSERT INTO announcement (kind, subject, at, data)
SELECT kind, subject, at, data
FROM ROWS FROM (
    json_to_recordset(%(rows)s::json) AS (kind text, subject text, at timestamptz, data jsonb)
) WITH ORDINALITY AS told (kind, subject, at, data, place)
ORDER BY place

-- name: take_turn
SELECT pg_try_advisory_xact_lock(hashtext('forecall.outbox')) AS mine

-- name: take
WITH taken AS (
    DELETE FROM announcement
    WHERE id IN (SELECT id FROM announcement ORDER BY id LIMIT %(limit)s)
    RETURNING id, kind, subject, at, data
)
SELECT * FROM taken ORDER BY id

-- name: enqueue
INSERT INTO delivery (key, channel, subject, person, notice_id, content, made_at, not_before,
                      next_at)
SELECT key, channel, subject, person, notice_id, content, %(made_at)s, not_before, %(wall)s
FROM unnest(%(keys)s::text[], %(channels)s::text[], %(subjects)s::text[], %(persons)s::text[],
            %(notices)s::bigint[], %(contents)s::jsonb[], %(not_before)s::timestamptz[])
     WITH ORDINALITY
     AS made (key, channel, subject, person, notice_id, content, not_before, place)
ORDER BY place
ON CONFLICT (key) DO NOTHING

-- name: bury
INSERT INTO delivery (key, channel, subject, content, made_at, next_at, state, ended_at, last_error)
VALUES (%(key)s, %(channel)s, %(subject)s, %(content)s, %(made_at)s, %(wall)s, 'dead', %(wall)s,
        %(error)s)
ON CONFLICT (key) DO NOTHING

-- name: channels_due
SELECT DISTINCT channel
FROM delivery
WHERE state = 'waiting' AND next_at <= %(wall)s
  AND (leased_until IS NULL OR leased_until <= %(wall)s)
  AND (not_before IS NULL OR not_before <= %(now)s)

-- A later message to the same receiver about the same subject waits for the earlier one. (Asked row
-- by row: a join would look at all that waits as long as nothing is known of the table.)
-- name: claim
WITH due AS (
    SELECT id
    FROM delivery AS mine
    WHERE channel = %(channel)s AND state = 'waiting' AND next_at <= %(wall)s
      AND (leased_until IS NULL OR leased_until <= %(wall)s)
      AND (not_before IS NULL OR not_before <= %(now)s)
      AND id = (
          SELECT first.id FROM delivery AS first
          WHERE first.channel = mine.channel AND first.subject = mine.subject
            AND first.person = mine.person AND first.state = 'waiting'
          ORDER BY first.id
          LIMIT 1
      )
    ORDER BY next_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE delivery
SET leased_until = %(until)s, attempts = attempts + 1,
    tried_since = coalesce(tried_since, %(wall)s)
FROM due
WHERE delivery.id = due.id
RETURNING delivery.id, key, channel, subject, person, content, made_at, attempts, tried_since

-- Nobody waits for the disk: what a crash of the server forgets is sent again, as the rule is anyway.
-- name: sent
UPDATE delivery
SET state = 'sent', ended_at = %(wall)s, leased_until = NULL, last_error = ''
WHERE id = %(id)s AND state = 'waiting'
RETURNING set_config('synchronous_commit', 'off', true)

-- name: later
UPDATE delivery
SET next_at = %(next_at)s, leased_until = NULL, last_error = %(error)s,
    attempts = attempts - %(spared)s
WHERE id = %(id)s AND state = 'waiting'

-- name: give_up
UPDATE delivery
SET state = 'dead', ended_at = %(wall)s, leased_until = NULL, last_error = %(error)s
WHERE id = %(id)s AND state = 'waiting'

-- name: let_go
UPDATE delivery SET leased_until = NULL, attempts = attempts - 1
WHERE id = ANY(%(ids)s) AND state = 'waiting'

-- name: dead
SELECT id, key, channel, subject, person, made_at, ended_at, attempts, last_error
FROM delivery
WHERE state = 'dead'
ORDER BY id DESC
LIMIT %(limit)s

-- name: retry
UPDATE delivery
SET state = 'waiting', attempts = 0, tried_since = NULL, next_at = %(wall)s, ended_at = NULL
WHERE state = 'dead' AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
RETURNING id

-- name: counts
SELECT (SELECT count(*) FROM announcement) AS announced,
       (SELECT count(*) FROM delivery WHERE state = 'waiting') AS waiting,
       (SELECT count(*) FROM delivery WHERE state = 'dead') AS dead,
       (SELECT min(next_at) FROM delivery WHERE state = 'waiting' AND not_before IS NULL)
           AS oldest_next_at

-- name: waiting_by_channel
SELECT channel, count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'dead') AS dead,
       max(last_error) FILTER (WHERE last_error <> '') AS last_error
FROM delivery
WHERE state IN ('waiting', 'dead')
GROUP BY channel
ORDER BY channel

-- name: tidy_deliveries
DELETE FROM delivery
WHERE (state = 'sent' AND ended_at <= %(sent_before)s)
   OR (state = 'dead' AND ended_at <= %(dead_before)s)

-- name: tidy_notices
DELETE FROM notice WHERE ended_at <= %(before)s
