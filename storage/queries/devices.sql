-- The fleet's list, as people change it.

-- name: put_customer
INSERT INTO customer (key, name) VALUES (%(key)s, coalesce(%(name)s::text, %(key)s))
ON CONFLICT (key) DO UPDATE SET name = coalesce(%(name)s::text, customer.name)
WHERE customer.name IS DISTINCT FROM coalesce(%(name)s::text, customer.name)
RETURNING xmax = 0 AS made

-- name: put_engineer
INSERT INTO engineer (key, name) VALUES (%(key)s, coalesce(%(name)s::text, %(key)s))
ON CONFLICT (key) DO UPDATE SET name = coalesce(%(name)s::text, engineer.name)
WHERE engineer.name IS DISTINCT FROM coalesce(%(name)s::text, engineer.name)
RETURNING xmax = 0 AS made

-- name: known_sites
SELECT key FROM site WHERE key = ANY (%(keys)s::text[])

-- name: site_keys
SELECT key FROM site ORDER BY key LIMIT %(limit)s

-- Null leaves a column as it is, or as it begins.
-- name: put_site
INSERT INTO site (key, name, customer_id, engineer_id, city, region_class, time_zone, poll_limit)
VALUES (%(key)s, coalesce(%(name)s::text, %(key)s), (SELECT id FROM customer WHERE key = %(customer)s::text),
        (SELECT id FROM engineer WHERE key = %(engineer)s::text), coalesce(%(city)s::text, ''),
        coalesce(%(region_class)s::text, 'urban'), coalesce(%(time_zone)s::text, 'UTC'),
        coalesce(%(poll_limit)s::integer, 4))
RETURNING true AS made

-- name: change_site
UPDATE site
SET name = coalesce(%(name)s::text, site.name),
    customer_id = coalesce(wanted.customer_id, site.customer_id),
    engineer_id = coalesce(wanted.engineer_id, site.engineer_id),
    engineer_since = CASE WHEN coalesce(wanted.engineer_id, site.engineer_id)
                               IS DISTINCT FROM site.engineer_id
                          THEN %(at)s::timestamptz ELSE site.engineer_since END,
    city = coalesce(%(city)s::text, site.city),
    region_class = coalesce(%(region_class)s::text, site.region_class),
    time_zone = coalesce(%(time_zone)s::text, site.time_zone),
    poll_limit = coalesce(%(poll_limit)s::integer, site.poll_limit)
FROM (SELECT (SELECT id FROM customer WHERE key = %(customer)s::text) AS customer_id,
             (SELECT id FROM engineer WHERE key = %(engineer)s::text) AS engineer_id) AS wanted
WHERE site.key = %(key)s
  AND (site.name, site.customer_id, site.engineer_id, site.city, site.region_class, site.time_zone,
       site.poll_limit)
      IS DISTINCT FROM
      (coalesce(%(name)s::text, site.name), coalesce(wanted.customer_id, site.customer_id),
       coalesce(wanted.engineer_id, site.engineer_id), coalesce(%(city)s::text, site.city),
       coalesce(%(region_class)s::text, site.region_class), coalesce(%(time_zone)s::text, site.time_zone),
       coalesce(%(poll_limit)s::integer, site.poll_limit))
RETURNING false AS made

-- name: known_devices
SELECT key FROM device WHERE key = ANY (%(keys)s::text[])

-- name: add_device
INSERT INTO device (key, kind, site_id, model, serial, installed_on, adopted_at)
VALUES (%(key)s, %(kind)s, (SELECT id FROM site WHERE key = %(site)s::text), coalesce(%(model)s::text, ''),
        coalesce(%(serial)s::text, ''), %(installed_on)s::date, %(at)s)
ON CONFLICT (key) DO NOTHING
RETURNING id

-- name: change_device
UPDATE device
SET kind = coalesce(%(kind)s::text, device.kind),
    site_id = coalesce(wanted.site_id, device.site_id),
    placed_at = CASE WHEN wanted.site_id <> device.site_id THEN %(at)s::timestamptz
                     ELSE device.placed_at END,
    model = coalesce(%(model)s::text, device.model),
    serial = coalesce(%(serial)s::text, device.serial),
    installed_on = coalesce(%(installed_on)s::date, device.installed_on)
FROM (SELECT (SELECT id FROM site WHERE key = %(site)s::text) AS site_id) AS wanted
WHERE device.key = %(key)s
  AND (device.kind, device.site_id, device.model, device.serial, device.installed_on)
      IS DISTINCT FROM
      (coalesce(%(kind)s::text, device.kind), coalesce(wanted.site_id, device.site_id),
       coalesce(%(model)s::text, device.model), coalesce(%(serial)s::text, device.serial),
       coalesce(%(installed_on)s::date, device.installed_on))
RETURNING device.id

-- Out of the fleet: its stay is kept, and when it is heard again it is found anew.
-- name: retire
WITH stay AS (
    SELECT id, adopted_at FROM device WHERE key = %(key)s AND adopted_at IS NOT NULL FOR NO KEY UPDATE
), kept AS (
    INSERT INTO device_stay_past (device_id, from_at, until_at)
    SELECT id, adopted_at, %(at)s FROM stay WHERE adopted_at < %(at)s
)
UPDATE device SET adopted_at = NULL FROM stay WHERE device.id = stay.id
RETURNING device.id

-- It stands where it is known to, or where its topic says, if there is such a site.
-- name: adopt
UPDATE device
SET adopted_at = %(at)s,
    site_id = coalesce(device.site_id, (
        SELECT site.id FROM site
        WHERE device.found_via LIKE 'v1/%%' AND site.key = split_part(device.found_via, '/', 3)))
WHERE key = %(key)s AND adopted_at IS NULL
RETURNING id

-- What took it down was not told to anybody while it was nobody's. The status stays as it is until
-- this is committed, so that its return is told after this.
-- name: tell_if_down
INSERT INTO pending_sign (kind, device_id, at, component, to_state, cause, detail)
SELECT 'transition', last.device_id, last.at, last.component, last.to_state, last.cause, last.detail
FROM device_status AS status
JOIN device_transition AS last
  ON last.device_id = status.device_id AND last.version = status.version
WHERE status.device_id = %(device_id)s AND status.state = 'down'
FOR UPDATE OF status

-- name: put_poll
INSERT INTO clock_poll
    (device_id, host, port, comm_key, interval_s, transport, live_capture, next_poll_at)
SELECT id, %(host)s, coalesce(%(port)s::integer, 4370), coalesce(%(comm_key)s::integer, 0),
       coalesce(%(interval_s)s::real, 300), coalesce(%(transport)s::text, 'tcp'),
       coalesce(%(live_capture)s::boolean, false), %(at)s
FROM device WHERE key = %(key)s
ON CONFLICT (device_id) DO UPDATE
SET host = excluded.host,
    port = coalesce(%(port)s::integer, clock_poll.port),
    comm_key = coalesce(%(comm_key)s::integer, clock_poll.comm_key),
    interval_s = coalesce(%(interval_s)s::real, clock_poll.interval_s),
    transport = coalesce(%(transport)s::text, clock_poll.transport),
    live_capture = coalesce(%(live_capture)s::boolean, clock_poll.live_capture),
    next_poll_at = least(clock_poll.next_poll_at, excluded.next_poll_at)
WHERE (clock_poll.host, clock_poll.port, clock_poll.comm_key, clock_poll.interval_s,
       clock_poll.transport, clock_poll.live_capture)
      IS DISTINCT FROM
      (excluded.host, coalesce(%(port)s::integer, clock_poll.port),
       coalesce(%(comm_key)s::integer, clock_poll.comm_key),
       coalesce(%(interval_s)s::real, clock_poll.interval_s),
       coalesce(%(transport)s::text, clock_poll.transport),
       coalesce(%(live_capture)s::boolean, clock_poll.live_capture))
RETURNING device_id

-- name: found_keys
SELECT key FROM device WHERE adopted_at IS NULL ORDER BY key

-- Its site is the one that the topic names (v1/tenant/site/device), where there is one of that key.
-- name: found
SELECT d.key, d.kind, d.model, d.serial, d.simulated, coalesce(s.state, 'unwatched') AS state,
       coalesce(s.collector, '') AS collector, s.last_seen_at,
       coalesce(push.first_seen_at,
                (SELECT min(at) FROM device_transition t WHERE t.device_id = d.id)) AS first_seen_at,
       coalesce(nullif(d.found_via, ''), push.address, p.host || ':' || p.port, '') AS place,
       CASE WHEN d.found_via LIKE 'v1/%%' THEN split_part(d.found_via, '/', 3) ELSE '' END
           AS site_level,
       si.name AS site_name, count(*) OVER () AS total
FROM device d
LEFT JOIN device_status s ON s.device_id = d.id
LEFT JOIN push_clock push ON push.device_id = d.id
LEFT JOIN clock_poll p ON p.device_id = d.id
LEFT JOIN site si ON si.id = d.site_id
    OR (d.site_id IS NULL AND d.found_via LIKE 'v1/%%'
        AND si.key = split_part(d.found_via, '/', 3))
WHERE d.adopted_at IS NULL
  AND (%(search)s = '' OR concat_ws(' ', d.key, d.serial, d.model, d.found_via, push.address)
                          ILIKE '%%' || %(search)s || '%%')
ORDER BY s.last_seen_at DESC NULLS LAST, d.key
LIMIT %(limit)s OFFSET %(offset)s

-- name: listed
SELECT d.key, d.kind, d.model, d.serial, d.adopted_at, coalesce(s.state, 'unwatched') AS state,
       s.last_seen_at, si.key AS site, c.key AS customer, d.found_via, p.host, p.port,
       coalesce((SELECT array_agg(l.broker ORDER BY l.broker) FROM device_login l
                  WHERE l.device_id = d.id AND l.revoked_at IS NULL), '{}') AS logins
FROM device d
LEFT JOIN device_status s ON s.device_id = d.id
LEFT JOIN site si ON si.id = d.site_id
LEFT JOIN customer c ON c.id = si.customer_id
LEFT JOIN clock_poll p ON p.device_id = d.id
WHERE (NOT %(found)s OR d.adopted_at IS NULL)
  AND (%(site)s::text IS NULL OR si.key = %(site)s)
  AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)
ORDER BY d.key

-- name: audit
INSERT INTO audit_entry (at, actor, action, object, detail)
VALUES (%(at)s, %(actor)s, %(action)s, %(object)s, %(detail)s)

-- Whoever else makes logins waits for us, so that two files never hold two passwords.
-- name: lock_logins
SELECT pg_advisory_xact_lock(hashtext('forecall.device_login'))

-- name: without_keys
SELECT d.id, d.key, l.device_id IS NOT NULL AND l.revoked_at IS NULL AS has_login
FROM device d
LEFT JOIN device_login l ON l.device_id = d.id AND l.broker = %(broker)s
WHERE d.adopted_at IS NOT NULL AND d.kind <> 'clock'
ORDER BY d.key

-- name: with_keys
SELECT d.id, d.key, l.device_id IS NOT NULL AND l.revoked_at IS NULL AS has_login
FROM device d
LEFT JOIN device_login l ON l.device_id = d.id AND l.broker = %(broker)s
WHERE d.key = ANY (%(keys)s::text[])
ORDER BY d.key

-- name: put_login
INSERT INTO device_login (device_id, broker, username, password_hash, publishes, made_at)
VALUES (%(device_id)s, %(broker)s, %(username)s, %(password_hash)s, %(publishes)s, %(at)s)
ON CONFLICT (device_id, broker) DO UPDATE
SET password_hash = excluded.password_hash, made_at = excluded.made_at, revoked_at = NULL,
    publishes = CASE WHEN excluded.publishes = '{}' THEN device_login.publishes
                     ELSE excluded.publishes END

-- name: logins
SELECT d.key, l.username, l.password_hash, l.publishes, l.revoked_at IS NOT NULL AS revoked
FROM device_login l JOIN device d ON d.id = l.device_id
WHERE l.broker = %(broker)s
ORDER BY l.username

-- name: revoke
UPDATE device_login SET revoked_at = %(at)s
FROM device
WHERE device.id = device_login.device_id AND device.key = ANY (%(keys)s::text[])
  AND device_login.revoked_at IS NULL
RETURNING device.key
