-- What the notebooks show as it is stored.

-- name: devices
SELECT device.key AS device, kind, model, firmware, serial, installed_on,
       coalesce(site.key, '') AS site, coalesce(customer.key, '') AS customer,
       coalesce(site.city, '') AS region, coalesce(engineer.key, '') AS engineer,
       coalesce(state, 'unwatched') AS state, since
FROM device
LEFT JOIN device_status ON device_status.device_id = device.id
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN customer ON customer.id = site.customer_id
LEFT JOIN engineer ON engineer.id = site.engineer_id
WHERE adopted_at IS NOT NULL
ORDER BY device.key

-- name: failures
SELECT at AS time, device.key AS device, component, source
FROM failure JOIN device ON device.id = device_id
WHERE at >= %(start)s AND at < %(end)s
ORDER BY at, device.key, component

-- name: tickets
SELECT ticket.id AS ticket, coalesce(device.key, '') AS device, coalesce(site.key, '') AS site,
       coalesce(customer.key, '') AS customer, coalesce(engineer.key, '') AS engineer, component,
       fault_class, origin, ticket.state, severity, opened_at, failed_at, returned_at, closed_at,
       coalesce(finding, '') AS finding, coalesce(caused_by, '') AS caused_by
FROM ticket
LEFT JOIN device ON device.id = ticket.device_id
LEFT JOIN site ON site.id = coalesce(device.site_id, ticket.site_id)
LEFT JOIN customer ON customer.id = site.customer_id
LEFT JOIN engineer ON engineer.id = ticket.assignee_id
WHERE opened_at >= %(start)s AND opened_at < %(end)s
ORDER BY ticket.id
