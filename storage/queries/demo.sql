-- name: devices
SELECT count(*) AS total, count(*) FILTER (WHERE simulated) AS simulated FROM device

-- name: add_customer
INSERT INTO customer (key, name) VALUES (%(key)s, %(name)s)

-- name: add_engineer
INSERT INTO engineer (key, name, region) VALUES (%(key)s, %(name)s, %(region)s)

-- name: reports_to
UPDATE engineer SET reports_to = (SELECT id FROM engineer WHERE key = %(superior)s)
WHERE key = %(key)s

-- name: add_site
INSERT INTO site (key, name, customer_id, engineer_id, city, region_class, time_zone)
SELECT %(key)s, %(name)s, customer.id, engineer.id, %(city)s, %(region_class)s, %(time_zone)s
FROM customer, engineer
WHERE customer.key = %(customer)s AND engineer.key = %(engineer)s

-- name: keepers
SELECT site.key AS site, site.id AS site_id, engineer.id AS engineer_id, engineer.name AS engineer_name
FROM site JOIN engineer ON engineer.id = site.engineer_id

-- name: add_device
INSERT INTO device (key, site_id, kind, model, firmware, serial, installed_on, simulated, adopted_at)
SELECT %(key)s, id, %(kind)s, %(model)s, %(firmware)s, %(serial)s, %(installed_on)s, true, %(adopted_at)s
FROM site WHERE key = %(site)s
RETURNING id

-- name: add_status
INSERT INTO device_status (device_id, collector, state, since, last_seen_at, version)
VALUES (%(device_id)s, %(collector)s, 'unwatched', %(since)s, %(since)s, %(version)s)

-- name: ensure_metric
INSERT INTO metric (name, kind) VALUES (%(name)s, %(kind)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id

-- name: fleet
SELECT device.id, device.key, device.kind, device.model, device.firmware, device.serial,
       device.installed_on, site.key AS site, site.time_zone
FROM device JOIN site ON site.id = device.site_id
WHERE device.simulated
ORDER BY device.id

-- name: last_values
-- From the readings: the rollups may be a little behind, and a counter that goes on from an older
-- value looks as if it had been reset.
SELECT device.key AS device, metric.name AS metric, newest.value
FROM device
CROSS JOIN metric
CROSS JOIN LATERAL (
    SELECT value FROM reading
    WHERE device_id = device.id AND metric_id = metric.id AND at >= %(since)s
    ORDER BY at DESC LIMIT 1
) newest
WHERE device.simulated

-- name: place_clock
INSERT INTO clock_poll (device_id, host, port, interval_s, next_poll_at)
SELECT id, %(host)s, %(port)s, %(interval_s)s, %(next_poll_at)s FROM device WHERE key = %(key)s
ON CONFLICT (device_id) DO UPDATE
SET host = excluded.host, port = excluded.port, interval_s = excluded.interval_s,
    next_poll_at = excluded.next_poll_at, leased_until = NULL, leased_by = NULL, failures = 0

-- Only what it counted so far: it registers itself, and what it told us before stands.
-- name: place_pushing_clock
INSERT INTO push_clock (device_id, serial, first_seen_at, counts)
SELECT id, %(serial)s, %(now)s, %(counts)s FROM device WHERE key = %(serial)s
ON CONFLICT DO NOTHING

-- name: reach
UPDATE simulated_clock SET reached_at = greatest(reached_at, %(now)s)

-- name: reached
SELECT epoch, reached_at, speed FROM simulated_clock

-- name: unplace_clocks
UPDATE clock_poll
SET next_poll_at = %(until)s, leased_until = NULL, leased_by = NULL, failures = 0
FROM device
WHERE device.id = clock_poll.device_id AND device.simulated
