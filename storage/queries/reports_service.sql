-- What the reports about the service are made of: of one customer, or of the whole fleet (null).

-- name: customer
SELECT id, key, name FROM customer WHERE key = %(customer)s

-- The devices of the fleet just before a moment: where each stood then, and how it was.
-- name: devices
WITH there AS (
    SELECT id AS device_id FROM device WHERE adopted_at < %(at)s
    UNION
    SELECT device_id FROM device_stay_past WHERE from_at < %(at)s AND until_at >= %(at)s
)
SELECT device.id AS device_id, device.key, device.kind, device.model, device.firmware,
       coalesce(site.key, '') AS site_key, coalesce(site.name, '') AS site,
       coalesce(before.to_state, after.from_state, device_status.state, 'unwatched') AS state
FROM there
JOIN device ON device.id = there.device_id
LEFT JOIN LATERAL (
    SELECT site_id FROM device_place_past
    WHERE device_place_past.device_id = device.id AND until_at >= %(at)s
    ORDER BY until_at LIMIT 1
) past ON true
LEFT JOIN site ON site.id = coalesce(past.site_id, device.site_id)
LEFT JOIN device_status ON device_status.device_id = device.id
LEFT JOIN LATERAL (
    SELECT to_state FROM device_transition
    WHERE device_transition.device_id = device.id AND at < %(at)s
    ORDER BY at DESC, version DESC LIMIT 1
) before ON true
LEFT JOIN LATERAL (
    SELECT from_state FROM device_transition
    WHERE device_transition.device_id = device.id AND at >= %(at)s
    ORDER BY at, version LIMIT 1
) after ON before.to_state IS NULL
WHERE %(customer_id)s::integer IS NULL OR site.customer_id = %(customer_id)s
ORDER BY device.key

-- Cases that were open at some time of [start, end), as they stood at its end; what was found, and what
-- caused them, as it is known now.
-- name: cases
WITH touched AS (
    SELECT ticket.*, site.key AS site_key, site.name AS site,
           CASE WHEN ticket.closed_at < %(end)s THEN ticket.closed_at END AS ended_at
    FROM ticket
    LEFT JOIN site ON site.id = (SELECT site_id FROM site_of_ticket WHERE ticket_id = ticket.id)
    WHERE ticket.opened_at < %(end)s AND (ticket.closed_at IS NULL OR ticket.closed_at >= %(start)s)
      AND (%(customer_id)s::integer IS NULL OR site.customer_id = %(customer_id)s)
), told AS (
    SELECT ticket_id,
           min(at) FILTER (WHERE to_state = 'on_site') AS arrived_at,
           max(at) FILTER (WHERE to_state = 'repaired') AS repaired_at,
           bool_or(data ->> 'move' IN ('replace', 'replace_unit')) AS replaced,
           bool_or(data ->> 'move' IN ('repair', 'replace', 'replace_unit')) AS mended,
           max(data #>> '{coverage,verdict}') FILTER (WHERE kind = 'opened') AS coverage,
           coalesce(max(data ->> 'rule') FILTER (WHERE kind = 'opened'), '') AS rule
    FROM ticket_event
    WHERE ticket_id IN (SELECT id FROM touched) AND at < %(end)s AND kind IN ('opened', 'moved')
    GROUP BY ticket_id
), called AS (
    SELECT ticket_id, min(at) AS called_at, count(*) AS calls, count(repeat_of) AS second_calls
    FROM call WHERE ticket_id IN (SELECT id FROM touched) AND at < %(end)s
    GROUP BY ticket_id
)
SELECT touched.id AS ticket_id, coalesce(device.key, '') AS device, coalesce(device.kind, '') AS kind,
       coalesce(device.model, '') AS model, coalesce(device.firmware, '') AS firmware,
       coalesce(touched.site_key, '') AS site_key, coalesce(touched.site, '') AS site,
       coalesce(touched.component, '') AS component, coalesce(touched.fault_class, '') AS fault_class,
       touched.handling, touched.grade, touched.origin, touched.severity, touched.opened_at, touched.ended_at,
       touched.ended_at IS NOT NULL AND touched.state = 'cancelled' AS cancelled,
       touched.predicted_at, CASE WHEN touched.failed_at < %(end)s THEN touched.failed_at END AS failed_at,
       touched.finding, touched.caused_by, called.called_at, coalesce(called.calls, 0) AS calls,
       coalesce(called.second_calls, 0) AS second_calls, told.arrived_at, told.repaired_at,
       coalesce(told.replaced, false) AS replaced, coalesce(told.mended, false) AS mended, told.coverage,
       coalesce(told.rule, '') AS rule
FROM touched
LEFT JOIN told ON told.ticket_id = touched.id
LEFT JOIN called ON called.ticket_id = touched.id
LEFT JOIN device ON device.id = touched.device_id
ORDER BY touched.opened_at, touched.id

-- name: calls
SELECT count(*) AS calls, count(call.repeat_of) AS second_calls, count(DISTINCT call.ticket_id) AS cases
FROM call LEFT JOIN site ON site.id = call.site_id
WHERE call.at >= %(start)s AND call.at < %(end)s
  AND (%(customer_id)s::integer IS NULL OR site.customer_id = %(customer_id)s)

-- Faults of many devices that had one cause. Of a customer's report: those that hit some of its devices,
-- by where each stood when it began.
-- name: batches
SELECT batch.id AS batch_id, batch.kind, its.message AS title, batch.first_at,
       CASE WHEN batch.ended_at < %(end)s THEN batch.ended_at END AS ended_at, ours.members AS ours,
       (SELECT max(ticket.id) FROM ticket WHERE ticket.batch_id = batch.id) AS ticket_id
FROM batch
JOIN alert AS its ON its.id = batch.id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT alert.device_id) AS members
    FROM alert
    JOIN device ON device.id = alert.device_id
    LEFT JOIN LATERAL (
        SELECT site_id FROM device_place_past
        WHERE device_place_past.device_id = device.id AND until_at > batch.first_at
        ORDER BY until_at LIMIT 1
    ) past ON true
    LEFT JOIN site ON site.id = coalesce(past.site_id, device.site_id)
    WHERE alert.batch_id = batch.id
      AND (%(customer_id)s::integer IS NULL OR site.customer_id = %(customer_id)s)
) ours
WHERE batch.absorbed_by IS NULL AND batch.first_at < %(end)s
  AND (batch.ended_at IS NULL OR batch.ended_at >= %(start)s)
  AND (%(customer_id)s::integer IS NULL OR ours.members > 0)
ORDER BY batch.first_at, batch.id

-- Maintenance windows that lie within [start, end), or reach into it.
-- name: windows
SELECT suppression.id AS window_id, greatest(starts_at, %(start)s) AS since,
       least(coalesce(ended_at, ends_at), ends_at) AS until, reason, actor,
       coalesce(device.key, site.name, customer.name) AS place
FROM suppression
LEFT JOIN device ON device.id = suppression.device_id
LEFT JOIN site ON site.id = coalesce(suppression.site_id, device.site_id)
LEFT JOIN customer ON customer.id = coalesce(suppression.customer_id, site.customer_id)
WHERE suppression.kind = 'window' AND starts_at < %(end)s
  AND least(coalesce(ended_at, ends_at), ends_at) > greatest(starts_at, %(start)s)
  AND (%(customer_id)s::integer IS NULL OR customer.id = %(customer_id)s)
ORDER BY starts_at, window_id

-- Failures that are foretold and have not come, as of now: open cases, with the newest prediction.
-- name: foretold
SELECT ticket.id AS ticket_id, device.key AS device, coalesce(site.name, '') AS site, ticket.component,
       ticket.predicted_at, told.probability,
       told.at + told.horizon_h * interval '1 hour' AS until, told.reasons
FROM ticket
JOIN device ON device.id = ticket.device_id
LEFT JOIN site ON site.id = device.site_id
LEFT JOIN LATERAL (
    SELECT probability, horizon_h, at, reasons FROM prediction
    WHERE prediction.device_id = ticket.device_id AND prediction.component = ticket.component
      AND at > %(now)s - interval '2 days' AND at <= %(now)s
    ORDER BY at DESC LIMIT 1
) told ON true
WHERE ticket.closed_at IS NULL AND ticket.predicted_at IS NOT NULL AND ticket.failed_at IS NULL
  AND ticket.returned_at IS NULL AND ticket.opened_at <= %(now)s
  AND (%(customer_id)s::integer IS NULL OR site.customer_id = %(customer_id)s)
ORDER BY told.probability DESC NULLS LAST, ticket.id

-- Supplies that may run out, or stores that may fill up, before a moment, as of now.
-- name: supplies
SELECT device.key AS device, coalesce(site.name, '') AS site, consumable.metric, consumable.early,
       consumable.likely, consumable.late
FROM consumable
JOIN device ON device.id = consumable.device_id AND device.adopted_at IS NOT NULL
LEFT JOIN site ON site.id = device.site_id
WHERE consumable.early < %(before)s AND consumable.at > %(now)s - interval '2 days'
  AND (%(customer_id)s::integer IS NULL OR site.customer_id = %(customer_id)s)
ORDER BY consumable.early, device.key, consumable.metric

-- name: agreed
SELECT contract.key, site.name AS site, contract.plan, contract.calendar, contract.valid_from,
       contract.valid_until
FROM contract LEFT JOIN site ON site.id = contract.site_id
WHERE contract.customer_id = %(customer_id)s AND contract.valid_from < %(end)s
  AND (contract.valid_until IS NULL OR contract.valid_until >= %(first)s)
ORDER BY contract.site_id NULLS FIRST, contract.valid_from
