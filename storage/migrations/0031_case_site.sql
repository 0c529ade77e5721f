-- The site that a case is of: where its device stood when it was opened, else the one that it was opened
-- for, a batch's being where most of it stands.
CREATE VIEW site_of_ticket (ticket_id, site_id) AS
SELECT ticket.id, coalesce(past.site_id, device.site_id, ticket.site_id, batch.site_id)
FROM ticket
LEFT JOIN device ON device.id = ticket.device_id
LEFT JOIN batch ON batch.id = ticket.batch_id
LEFT JOIN LATERAL (
    SELECT site_id FROM device_place_past
    WHERE device_place_past.device_id = ticket.device_id AND until_at > ticket.opened_at
    ORDER BY until_at LIMIT 1
) past ON true;
