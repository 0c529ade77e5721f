-- Clocks that are due and leased to nobody, longest due first. Rows that another poller is about to
-- take are passed over.
-- name: claim
WITH due AS (
    SELECT device_id
    FROM clock_poll
    WHERE next_poll_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY next_poll_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE clock_poll AS poll
SET leased_until = %(until)s, leased_by = %(owner)s
FROM due
JOIN device ON device.id = due.device_id
LEFT JOIN site ON site.id = device.site_id
WHERE poll.device_id = due.device_id
RETURNING poll.device_id, device.key AS device_key, poll.host, poll.port, poll.comm_key,
          poll.transport, coalesce(site.time_zone, 'UTC') AS time_zone, poll.interval_s, poll.serial,
          CASE WHEN (poll.known ->> 'length')::bigint > 0 AND NOT EXISTS (
              SELECT FROM clock_log AS log  -- without its beginning, the end of a log is worth nothing
              WHERE log.device_id = poll.device_id AND log.serial = poll.serial
                AND log.replaced_at IS NULL AND log.length = (poll.known ->> 'length')::bigint
                AND log.sha256 = poll.known ->> 'sha256'
          ) THEN poll.known - 'length' - 'sha256' ELSE poll.known END AS known,
          poll.failures, poll.failing_since, poll.errors,
          poll.log_read_at IS NULL OR poll.log_read_at <= CASE
              WHEN (poll.known ->> 'full')::boolean THEN %(full_log_stale)s ELSE %(log_stale)s
          END AS log_is_old

-- Those of the devices that are still leased to the owner; kept so until the transaction's end.
-- name: still_leased
SELECT device_id
FROM clock_poll
WHERE device_id = ANY (%(devices)s::int4[])
  AND leased_by = %(owner)s AND leased_until > %(now)s
ORDER BY device_id
FOR UPDATE

-- name: answered
UPDATE clock_poll
SET next_poll_at = %(next_poll_at)s, leased_until = NULL, leased_by = NULL,
    failures = 0, failing_since = NULL, last_error = '',
    serial = %(serial)s, known = %(known)s,
    log_read_at = CASE WHEN %(log_read)s THEN %(now)s ELSE log_read_at END
WHERE device_id = %(device_id)s

-- name: unanswered
UPDATE clock_poll
SET next_poll_at = %(next_poll_at)s, leased_until = NULL, leased_by = NULL,
    failures = failures + 1, failing_since = coalesce(failing_since, %(at)s),
    errors = errors + 1, last_error = %(error)s
WHERE device_id = %(device_id)s

-- name: release
UPDATE clock_poll SET leased_until = NULL, leased_by = NULL WHERE leased_by = %(owner)s
