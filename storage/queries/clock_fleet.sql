-- Sites with a due clock and room for one more poll, kept until the transaction's end: no other poller
-- claims there meanwhile, so that together they keep the site's limit. (A statement of its own: the
-- claim then sees every lease that was given before.)
-- name: lock_sites
WITH due AS MATERIALIZED (
    SELECT device.site_id, min(poll.next_poll_at) AS since
    FROM clock_poll AS poll JOIN device ON device.id = poll.device_id
    WHERE poll.next_poll_at <= %(now)s AND (poll.leased_until IS NULL OR poll.leased_until <= %(now)s)
    GROUP BY device.site_id
), busy AS MATERIALIZED (
    SELECT device.site_id, count(*) AS n
    FROM clock_poll AS poll JOIN device ON device.id = poll.device_id
    WHERE poll.leased_until > %(now)s
    GROUP BY device.site_id
)
SELECT site.id
FROM due
JOIN site ON site.id = due.site_id
LEFT JOIN busy ON busy.site_id = site.id
WHERE site.poll_limit > coalesce(busy.n, 0)
ORDER BY due.since
LIMIT %(limit)s
FOR NO KEY UPDATE OF site SKIP LOCKED

-- Clocks that are due and leased to nobody, longest due first; of those that failed last time up to
-- `doubtful`, of each site as many as it has room for. Rows that another poller is about to take are
-- passed over.
-- name: claim
WITH busy AS (
    SELECT device.site_id, count(*) AS n
    FROM clock_poll AS poll JOIN device ON device.id = poll.device_id
    WHERE poll.leased_until > %(now)s
    GROUP BY device.site_id
), waiting AS (
    SELECT poll.device_id, device.site_id,
           row_number() OVER (PARTITION BY device.site_id ORDER BY poll.next_poll_at) AS at_site,
           row_number() OVER (PARTITION BY poll.failures > 0 ORDER BY poll.next_poll_at) AS alike
    FROM clock_poll AS poll JOIN device ON device.id = poll.device_id
    WHERE poll.next_poll_at <= %(now)s AND (poll.leased_until IS NULL OR poll.leased_until <= %(now)s)
      AND (device.site_id IS NULL OR device.site_id = ANY (%(sites)s::int4[]))
), due AS (
    SELECT poll.device_id, poll.hinted
    FROM waiting
    JOIN clock_poll AS poll ON poll.device_id = waiting.device_id
    LEFT JOIN site ON site.id = waiting.site_id
    LEFT JOIN busy ON busy.site_id = waiting.site_id
    WHERE (site.id IS NULL OR waiting.at_site + coalesce(busy.n, 0) <= site.poll_limit)
      AND (poll.failures = 0 OR waiting.alike <= %(doubtful)s)
      AND poll.next_poll_at <= %(now)s AND (poll.leased_until IS NULL OR poll.leased_until <= %(now)s)
    ORDER BY poll.next_poll_at
    LIMIT %(limit)s
    FOR UPDATE OF poll SKIP LOCKED
)
UPDATE clock_poll AS poll
SET leased_until = %(until)s, leased_by = %(owner)s, hinted = false
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
          due.hinted OR poll.log_read_at IS NULL OR poll.log_read_at <= CASE
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
SET next_poll_at = CASE WHEN hinted THEN least(%(next_poll_at)s, %(soon)s) ELSE %(next_poll_at)s END, leased_until = NULL, leased_by = NULL,
    failures = 0, failing_since = NULL, last_error = '', stranger = '',
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

-- name: release_live
UPDATE clock_poll SET live_until = NULL, live_by = NULL WHERE live_by = %(owner)s

-- Which of the devices were answered by the clock of another one.
-- name: strangers
SELECT found.device_id, found.serial, poll.stranger, owner.id AS owner_id, owner.key AS owner_key
FROM unnest(%(devices)s::int4[], %(serials)s::text[]) AS found (device_id, serial)
JOIN clock_poll AS poll ON poll.device_id = found.device_id
JOIN LATERAL (
    SELECT id, key FROM device
    WHERE device.serial = found.serial AND device.id <> found.device_id
    ORDER BY id LIMIT 1
) AS owner ON found.serial <> ''
ORDER BY found.device_id

-- name: meet_stranger
UPDATE clock_poll SET stranger = %(serial)s WHERE device_id = %(device_id)s

-- The owner's row, if its own polls don't find it, at another address. One that is being settled is
-- left for the next time: two that wait for each other would wait for ever.
-- name: lock_astray
SELECT owner.device_id
FROM clock_poll AS owner
JOIN clock_poll AS poll ON poll.device_id = %(device_id)s
WHERE owner.device_id = %(owner_id)s AND (owner.failures > 0 OR owner.stranger <> '')
  AND (owner.host, owner.port) <> (poll.host, poll.port)
FOR UPDATE OF owner SKIP LOCKED

-- name: exchange_addresses
UPDATE clock_poll AS poll
SET host = other.host, port = other.port, transport = other.transport, stranger = '',
    next_poll_at = %(now)s
FROM clock_poll AS other
WHERE (poll.device_id, other.device_id) IN ((%(device_id)s, %(owner_id)s), (%(owner_id)s, %(device_id)s))

-- name: claim_live
UPDATE clock_poll AS poll
SET live_by = %(owner)s, live_until = %(until)s
FROM device
WHERE device.id = poll.device_id AND poll.device_id IN (
    SELECT device_id FROM clock_poll
    WHERE live_capture AND transport = 'tcp' AND (live_until IS NULL OR live_until <= %(now)s)
    ORDER BY device_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
RETURNING poll.device_id, device.key AS device_key, poll.host, poll.port, poll.comm_key

-- Not one that was moved to another address, or that is not to be listened to any more.
-- name: renew_live
UPDATE clock_poll AS poll
SET live_until = %(until)s
FROM unnest(%(devices)s::int4[], %(hosts)s::text[], %(ports)s::int4[]) AS held (id, host, port)
WHERE poll.device_id = held.id AND poll.live_by = %(owner)s AND poll.live_capture
  AND (poll.host, poll.port) = (held.host, held.port)
RETURNING poll.device_id

-- name: leave_live
UPDATE clock_poll SET live_by = NULL, live_until = %(again)s
WHERE device_id = ANY (%(devices)s::int4[]) AND live_by = %(owner)s

-- A log comes whole: many punches in a row are read together.
-- name: hint
UPDATE clock_poll
SET hinted = true,
    next_poll_at = least(next_poll_at, greatest(%(now)s, log_read_at + %(rest)s))
WHERE device_id = ANY (%(devices)s::int4[])
