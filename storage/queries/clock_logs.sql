-- name: current
SELECT id, length, sha256
FROM clock_log
WHERE device_id = %(device_id)s AND serial = %(serial)s AND replaced_at IS NULL
FOR UPDATE

-- name: begin
INSERT INTO clock_log (device_id, serial, began_at, taken_at, layout, claimed, length, sha256)
VALUES (%(device_id)s, %(serial)s, %(now)s, %(now)s, %(layout)s, %(claimed)s, %(length)s, %(sha256)s)
RETURNING id

-- name: grown
UPDATE clock_log
SET taken_at = %(now)s, layout = %(layout)s, claimed = %(claimed)s, length = %(length)s,
    sha256 = %(sha256)s
WHERE id = %(id)s

-- name: replaced
UPDATE clock_log SET replaced_at = %(now)s WHERE id = %(id)s

-- name: forget_replaced
DELETE FROM clock_log
WHERE id IN (
    SELECT id FROM clock_log
    WHERE device_id = %(device_id)s AND serial = %(serial)s AND replaced_at IS NOT NULL
    ORDER BY replaced_at DESC, id DESC
    OFFSET %(kept)s)

-- name: append
INSERT INTO clock_log_segment (log_id, start, body) VALUES (%(id)s, %(start)s, %(body)s)

-- The short segments behind the last long one become one when there are many.
-- name: merge
WITH short AS (
    SELECT start
    FROM clock_log_segment
    WHERE log_id = %(id)s AND start > coalesce((
        SELECT max(start) FROM clock_log_segment
        WHERE log_id = %(id)s AND length(body) >= %(long)s), -1)
), gone AS (
    DELETE FROM clock_log_segment
    WHERE log_id = %(id)s AND start IN (SELECT start FROM short)
      AND (SELECT count(*) FROM short) >= %(many)s
    RETURNING start, body
)
INSERT INTO clock_log_segment (log_id, start, body)
SELECT %(id)s, min(start), string_agg(body, ''::bytea ORDER BY start)
FROM gone HAVING count(*) > 0

-- name: newest
SELECT id, taken_at, layout, claimed, length, sha256
FROM clock_log
WHERE device_id = %(device_id)s AND serial = %(serial)s AND replaced_at IS NULL

-- name: segments
SELECT body FROM clock_log_segment WHERE log_id = %(id)s ORDER BY start
