-- Each device's time in the fleet, cut where it moved and where its site changed hands.
-- name: parts
WITH stay AS (
    SELECT id AS device_id, adopted_at AS from_at, 'infinity'::timestamptz AS until_at
    FROM device WHERE adopted_at < %(end)s
    UNION ALL
    SELECT device_id, from_at, until_at
    FROM device_stay_past WHERE from_at < %(end)s AND until_at > %(start)s
), place AS (
    SELECT device_id, site_id, until_at,
           lag(until_at, 1, '-infinity') OVER (PARTITION BY device_id ORDER BY until_at) AS from_at
    FROM (SELECT device_id, site_id, until_at FROM device_place_past
          UNION ALL SELECT id, site_id, 'infinity' FROM device) AS every
), care AS (
    SELECT site_id, engineer_id, until_at,
           lag(until_at, 1, '-infinity') OVER (PARTITION BY site_id ORDER BY until_at) AS from_at
    FROM (SELECT site_id, engineer_id, until_at FROM site_care_past
          UNION ALL SELECT id, engineer_id, 'infinity' FROM site) AS every
)
SELECT stay.device_id, scope.key, scope.name,
       greatest(stay.from_at, place.from_at, care.from_at, %(start)s) AS from_at,
       least(stay.until_at, place.until_at, care.until_at, %(end)s) AS until_at
FROM stay
JOIN device ON device.id = stay.device_id
JOIN place ON place.device_id = stay.device_id
          AND place.from_at < stay.until_at AND place.until_at > stay.from_at
LEFT JOIN care ON care.site_id = place.site_id
LEFT JOIN site ON site.id = place.site_id
LEFT JOIN customer ON customer.id = site.customer_id
LEFT JOIN engineer ON engineer.id = care.engineer_id
CROSS JOIN LATERAL (
    SELECT device.key, device.key AS name WHERE %(scope)s = 'device'
    UNION ALL SELECT site.key, site.name WHERE %(scope)s = 'site'
    UNION ALL SELECT customer.key, customer.name WHERE %(scope)s = 'customer'
    UNION ALL SELECT engineer.key, engineer.name WHERE %(scope)s = 'engineer'
    UNION ALL SELECT site.city, site.city WHERE %(scope)s = 'region'
    UNION ALL SELECT device.model, device.model WHERE %(scope)s = 'model'
) scope
WHERE scope.key <> ''
  AND greatest(stay.from_at, place.from_at, care.from_at, %(start)s)
      < least(stay.until_at, place.until_at, care.until_at, %(end)s)

-- Windows that were agreed, batches with a cause outside, and cases that were not the service's.
-- name: cases_of_others
-- Cases that were found not to be the service's, from the failure to the return.
SELECT device_id, greatest(least(failed_at, opened_at), %(start)s) AS since,
       least(returned_at, closed_at, %(end)s) AS until, id AS ticket_id
FROM ticket
WHERE device_id = ANY (%(device_ids)s) AND caused_by = ANY (%(not_ours)s::text[])
  AND least(failed_at, opened_at) < %(end)s AND least(returned_at, closed_at, %(end)s) > %(start)s
ORDER BY device_id, since, id

-- What took each device down that was down at each moment; in the order asked.
-- name: why_down
SELECT device.key AS device, coalesce(change.cause, '') AS cause, coalesce(change.detail, '') AS detail,
       coalesce(change.component, '') AS component
FROM unnest(%(device_ids)s::integer[], %(moments)s::timestamptz[]) WITH ORDINALITY
     AS asked (device_id, at, place)
JOIN device ON device.id = asked.device_id
LEFT JOIN LATERAL (
    SELECT cause, detail, component FROM device_transition
    WHERE device_transition.device_id = asked.device_id AND at <= asked.at AND to_state = 'down'
    ORDER BY at DESC, version DESC LIMIT 1
) change ON true
ORDER BY place

-- The state that each device began the period with, and every change in it. Before the first known
-- change the state is the one that change came from.
-- name: changes
WITH asked AS (
    SELECT unnest(%(devices)s::integer[]) AS device_id
), change AS (
    SELECT asked.device_id, %(start)s::timestamptz AS at, -1::bigint AS version,
           coalesce(before.to_state, after.from_state, device_status.state, 'unwatched') AS word
    FROM asked
    LEFT JOIN device_status ON device_status.device_id = asked.device_id
    LEFT JOIN LATERAL (
        SELECT to_state FROM device_transition
        WHERE device_transition.device_id = asked.device_id AND at <= %(start)s
        ORDER BY at DESC, version DESC LIMIT 1
    ) before ON true
    LEFT JOIN LATERAL (
        SELECT from_state FROM device_transition
        WHERE device_transition.device_id = asked.device_id AND at > %(start)s
        ORDER BY at, version LIMIT 1
    ) after ON before.to_state IS NULL
    UNION ALL
    SELECT device_id, at, version, to_state
    FROM device_transition
    WHERE device_id = ANY (%(devices)s::integer[]) AND at > %(start)s AND at < %(end)s
)
SELECT device_id, at, version,
       CASE word WHEN 'up' THEN 0 WHEN 'down' THEN 1 ELSE 2 END::smallint AS state
FROM change
