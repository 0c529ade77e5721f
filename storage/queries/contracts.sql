-- Contracts, warranties and the plans in force.

-- name: books
SELECT id, in_force_at, digest FROM plan_book ORDER BY id

-- name: book
SELECT tree FROM plan_book WHERE id = %(id)s

-- One publisher at a time, and each book once in a row.
-- name: publish
WITH newest AS (SELECT digest FROM plan_book ORDER BY id DESC LIMIT 1)
INSERT INTO plan_book (in_force_at, digest, tree)
SELECT %(now)s, %(digest)s, %(tree)s
WHERE NOT EXISTS (SELECT FROM newest WHERE digest = %(digest)s)
RETURNING id

-- name: lock_books
LOCK TABLE plan_book IN SHARE ROW EXCLUSIVE MODE

-- name: names_in_use
SELECT key, plan, calendar FROM contract
WHERE plan <> ALL(%(plans)s) OR calendar <> ALL(%(calendars)s)
ORDER BY key LIMIT 1

-- name: forget_watches
UPDATE sla_watch SET version = 0

-- name: devices
SELECT device.id, device.id AS device_id, device.kind, device.installed_on, site.id AS site_id,
       site.customer_id,
       site.region_class, site.time_zone, warranty.starts_on, warranty.months,
       warranty.support_life_months, warranty.voided_at, warranty.void_reason, true AS of_device
FROM device
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN warranty ON warranty.device_id = device.id
WHERE device.id = ANY(%(device_ids)s::int[])

-- Kinds of devices at sites, numbered from 1 in the order asked.
-- name: places
SELECT asked.place AS id, NULL::integer AS device_id, asked.kind, NULL::date AS installed_on, site.id AS site_id,
       site.customer_id, site.region_class, site.time_zone, NULL::date AS starts_on,
       NULL::integer AS months, NULL::integer AS support_life_months, NULL::timestamptz AS voided_at,
       NULL::text AS void_reason, false AS of_device
FROM unnest(%(kinds)s::text[], %(site_ids)s::integer[]) WITH ORDINALITY AS asked (kind, site_id, place)
LEFT JOIN site ON site.id = asked.site_id

-- A case of a device; of a site, while the device isn't known; of a batch: where most of it stands.
-- name: tickets
SELECT ticket.id, device.id AS device_id, coalesce(device.kind, '') AS kind, device.installed_on,
       site.id AS site_id,
       site.customer_id, site.region_class, site.time_zone, warranty.starts_on, warranty.months,
       warranty.support_life_months, warranty.voided_at, warranty.void_reason,
       device.id IS NOT NULL AS of_device
FROM ticket
LEFT JOIN device ON device.id = ticket.device_id
LEFT JOIN batch ON batch.id = ticket.batch_id
LEFT JOIN site ON site.id = coalesce(device.site_id, ticket.site_id, batch.site_id)
LEFT JOIN warranty ON warranty.device_id = device.id
WHERE ticket.id = ANY(%(ticket_ids)s::bigint[])

-- Where devices stood before they were moved, oldest first.
-- name: places_before
SELECT past.device_id, past.until_at, site.id AS site_id, site.customer_id, site.region_class,
       site.time_zone, device.kind
FROM device_place_past AS past
JOIN site ON site.id = past.site_id
JOIN device ON device.id = past.device_id
WHERE past.device_id = ANY(%(device_ids)s::int[])
ORDER BY past.device_id, past.until_at

-- name: of_customers
SELECT customer_id, site_id, key, plan, calendar, valid_from, valid_until, price, travel,
       free_support_months, replacement
FROM contract
WHERE customer_id = ANY(%(customer_ids)s::int[])
ORDER BY site_id NULLS LAST, valid_from DESC

-- name: listed
SELECT contract.key, customer.key AS customer, customer.name, site.key AS site, contract.plan,
       contract.calendar, contract.valid_from, contract.valid_until, contract.price,
       contract.travel, contract.free_support_months, contract.replacement
FROM contract
JOIN customer ON customer.id = contract.customer_id
LEFT JOIN site ON site.id = contract.site_id
ORDER BY customer.key, site.key NULLS FIRST, contract.valid_from

-- name: customers_and_sites
SELECT customer.id AS customer_id, customer.key AS customer, site.id AS site_id, site.key AS site
FROM customer LEFT JOIN site ON site.customer_id = customer.id

-- name: take_in
INSERT INTO contract (key, customer_id, site_id, plan, calendar, valid_from, valid_until, price,
                      travel, free_support_months, replacement, recorded_at)
VALUES (%(key)s, %(customer_id)s, %(site_id)s, %(plan)s, %(calendar)s, %(valid_from)s,
        %(valid_until)s, %(price)s, %(travel)s, %(free_support_months)s, %(replacement)s, %(now)s)
ON CONFLICT (key) DO UPDATE
SET customer_id = EXCLUDED.customer_id, site_id = EXCLUDED.site_id, plan = EXCLUDED.plan,
    calendar = EXCLUDED.calendar, valid_from = EXCLUDED.valid_from,
    valid_until = EXCLUDED.valid_until, price = EXCLUDED.price, travel = EXCLUDED.travel,
    free_support_months = EXCLUDED.free_support_months, replacement = EXCLUDED.replacement,
    recorded_at = EXCLUDED.recorded_at

-- name: device_by_key
SELECT id FROM device WHERE key = %(key)s

-- name: void
INSERT INTO warranty (device_id, voided_at, void_reason)
VALUES (%(device_id)s, %(at)s, %(reason)s)
ON CONFLICT (device_id) DO UPDATE SET voided_at = EXCLUDED.voided_at, void_reason = EXCLUDED.void_reason
WHERE warranty.voided_at IS NULL
RETURNING device_id

-- name: devices_by_keys
SELECT id, key FROM device WHERE key = ANY(%(keys)s)

-- name: take_in_warranty
INSERT INTO warranty (device_id, starts_on, months, support_life_months)
VALUES (%(device_id)s, %(starts_on)s, %(months)s, %(support_life_months)s)
ON CONFLICT (device_id) DO UPDATE
SET starts_on = EXCLUDED.starts_on, months = EXCLUDED.months,
    support_life_months = EXCLUDED.support_life_months
