-- What the reports on the life of devices and on what will be needed read.

-- Devices that were in the fleet before the end. Records that an import brought along say that somebody
-- watched before the device was adopted here.
-- name: devices
SELECT device.id, device.key, device.kind, device.model, device.firmware, device.installed_on,
       coalesce(device.attributes ->> 'lot', '') AS lot, coalesce(site.name, '') AS site,
       coalesce(site.city, '') AS region, coalesce(customer.key, '') AS customer,
       device.adopted_at IS NOT NULL AS here
FROM device
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN customer ON customer.id = site.customer_id
WHERE device.adopted_at < %(end)s
   OR EXISTS (SELECT FROM device_stay_past AS past
              WHERE past.device_id = device.id AND past.from_at < %(end)s)
ORDER BY device.id

-- name: stays
WITH stay AS (
    SELECT device_id, from_at, until_at FROM device_stay_past WHERE from_at < %(end)s
    UNION ALL
    SELECT id, adopted_at, %(end)s FROM device WHERE adopted_at < %(end)s
), told AS (
    SELECT device_id, min(at) AS at FROM (
        SELECT device_id, at FROM failure WHERE source = 'history'
        UNION ALL
        SELECT device_id, at FROM maintenance WHERE source = 'history'
    ) AS record GROUP BY device_id
), numbered AS (
    SELECT stay.*, row_number() OVER (PARTITION BY device_id ORDER BY from_at) AS nth FROM stay
)
SELECT device_id, CASE WHEN nth = 1 THEN least(from_at, told.at) ELSE from_at END AS from_at,
       least(until_at, %(end)s) AS until_at
FROM numbered LEFT JOIN told USING (device_id)
ORDER BY device_id, from_at

-- `ours`: not found to be caused by its user or from outside.
-- name: failures
SELECT device_id, component, at, NOT EXISTS (
           SELECT FROM ticket
           WHERE ticket.device_id = failure.device_id AND ticket.component = failure.component
             AND ticket.caused_by = ANY (%(not_ours)s::text[])
             AND failure.at >= least(ticket.failed_at, ticket.opened_at)
             AND failure.at <= coalesce(ticket.closed_at, 'infinity')) AS ours
FROM failure
WHERE at < %(end)s
ORDER BY device_id, component, at

-- name: mends
SELECT device_id, component, at, action = 'replaced' AS replaced
FROM maintenance
WHERE at < %(end)s AND action IN ('replaced', 'repaired')
ORDER BY device_id, component, at

-- What is foretold of each supply of devices that are in the fleet; the site is where they stand.
-- name: supplies
SELECT device.id, device.key AS device, device.kind, device.model, coalesce(site.name, '') AS site,
       coalesce(site.city, '') AS region, coalesce(customer.name, '') AS customer,
       consumable.metric, consumable.component, consumable.at, consumable.level, consumable.edge,
       consumable.early, consumable.likely, consumable.late
FROM consumable
JOIN device ON device.id = consumable.device_id AND device.adopted_at IS NOT NULL
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN customer ON customer.id = site.customer_id
WHERE %(customer)s::text IS NULL OR customer.key = %(customer)s
ORDER BY consumable.likely NULLS LAST, device.key, consumable.metric

-- The newest word of the models in charge on each part, of late.
-- name: foretold
SELECT DISTINCT ON (device_id, component) device_id, component, probability, prediction.horizon_h
FROM prediction
JOIN model ON model.id = model_id AND stage = 'champion'
WHERE at > %(since)s AND at <= %(until)s
ORDER BY device_id, component, at DESC

-- name: customer
SELECT name FROM customer WHERE key = %(key)s
