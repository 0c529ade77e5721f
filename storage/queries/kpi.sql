-- Each device's time in the fleet, cut where it moved and where its site changed hands. A team is an
-- engineer to whom others report, with these; who leads one belongs to that. Moments in microseconds.
-- name: parts
WITH stay AS (
    SELECT id AS device_id, adopted_at AS from_at, 'infinity'::timestamptz AS until_at
    FROM device WHERE adopted_at < %(end)s
    UNION ALL
    SELECT device_id, from_at, until_at
    FROM device_stay_past WHERE from_at < %(end)s AND until_at > %(start)s
), part AS (
    SELECT stay.device_id, device.kind, coalesce(place.site_id, 0) AS site_id, scope.key, scope.name,
           greatest(stay.from_at, place.from_at, care.from_at, %(start)s) AS from_at,
           least(stay.until_at, place.until_at, care.until_at, %(end)s) AS until_at
    FROM stay
    JOIN device ON device.id = stay.device_id
    JOIN device_place AS place ON place.device_id = stay.device_id
         AND place.from_at < stay.until_at AND place.until_at > stay.from_at
    LEFT JOIN site_care AS care ON care.site_id = place.site_id
    LEFT JOIN site ON site.id = place.site_id
    LEFT JOIN customer ON customer.id = site.customer_id
    LEFT JOIN engineer ON engineer.id = care.engineer_id
    LEFT JOIN engineer AS team ON team.id = CASE
        WHEN EXISTS (SELECT FROM engineer AS led WHERE led.reports_to = engineer.id) THEN engineer.id
        ELSE engineer.reports_to END
    CROSS JOIN LATERAL (
        SELECT 'fleet' AS key, 'fleet' AS name WHERE %(scope)s IN ('fleet', 'component')
        UNION ALL SELECT device.key, device.key WHERE %(scope)s = 'device'
        UNION ALL SELECT site.key, site.name WHERE %(scope)s = 'site'
        UNION ALL SELECT customer.key, customer.name WHERE %(scope)s = 'customer'
        UNION ALL SELECT engineer.key, engineer.name WHERE %(scope)s = 'engineer'
        UNION ALL SELECT team.key, team.name WHERE %(scope)s = 'team'
        UNION ALL SELECT site.city, site.city WHERE %(scope)s = 'region'
        UNION ALL SELECT device.model, device.model WHERE %(scope)s = 'model'
    ) scope
    WHERE scope.key <> '' AND (%(customer)s::text IS NULL OR customer.key = %(customer)s)
)
SELECT device_id, kind, site_id, key, name, (extract(epoch FROM from_at) * 1000000)::bigint AS since,
       (extract(epoch FROM until_at) * 1000000)::bigint AS until
FROM part WHERE from_at < until_at

-- Windows that were agreed, for the devices that stood there at the time.
-- name: windows
WITH held AS (
    SELECT id, device_id, site_id, customer_id, greatest(starts_at, %(start)s) AS since,
           least(coalesce(ended_at, ends_at), ends_at, %(end)s) AS until
    FROM suppression WHERE kind = 'window'
), of_device AS (
    SELECT device_id, since, until, id FROM held WHERE device_id IS NOT NULL
    UNION ALL
    SELECT place.device_id, greatest(since, place.from_at), least(until, place.until_at), held.id
    FROM held
    JOIN site ON site.id = held.site_id OR site.customer_id = held.customer_id
    JOIN device_place AS place ON place.site_id = site.id
)
SELECT device_id, since, until, id AS window_id FROM of_device
WHERE device_id = ANY (%(device_ids)s) AND since < until
ORDER BY device_id, since, window_id

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

-- Cases that were closed, not cancelled; each with what its events, its calls and its successors tell.
-- name: cases
WITH closed AS (
    SELECT * FROM ticket
    WHERE state = 'closed' AND closed_at >= %(start)s AND closed_at < %(end)s
), told AS (
    SELECT ticket_id,
           min(at) FILTER (WHERE kind = 'moved' AND from_state = 'new') AS responded_at,
           min(at) FILTER (WHERE kind = 'moved' AND to_state = 'under_way') AS set_out_at,
           min(at) FILTER (WHERE kind = 'moved' AND to_state = 'on_site') AS arrived_at,
           max(at) FILTER (WHERE kind = 'moved' AND to_state = 'repaired') AS repaired_at,
           count(*) FILTER (WHERE kind = 'moved' AND to_state = 'on_site'
                            AND from_state NOT LIKE 'waiting%%') AS visits,
           bool_or(kind = 'moved' AND from_state IN ('repaired', 'verified') AND to_state = 'new')
               AS relapsed
    FROM ticket_event
    WHERE ticket_id IN (SELECT id FROM closed)
    GROUP BY ticket_id
), called AS (
    SELECT ticket_id, count(*) AS calls, count(repeat_of) AS second_calls
    FROM call WHERE ticket_id IN (SELECT id FROM closed)
    GROUP BY ticket_id
)
SELECT closed.id AS ticket_id, engineer.key AS engineer, coalesce(team.key, '') AS team,
       coalesce(site.key, '') AS site,
       coalesce(customer.key, '') AS customer, coalesce(site.city, '') AS region,
       coalesce(site.region_class, '') AS region_class, coalesce(device.kind, '') AS kind,
       coalesce(device.model, '') AS model,
       ((closed.opened_at AT TIME ZONE 'UTC')::date - device.installed_on) / 365.25::float8 AS age_years,
       closed.fault_class, closed.origin, closed.opened_at, responded_at, set_out_at, arrived_at,
       repaired_at, closed.closed_at, visits, coalesce(calls, 0) AS calls,
       coalesce(second_calls, 0) AS second_calls, relapsed,
       (SELECT extract(epoch FROM min(again.opened_at) - closed.closed_at)::float8
        FROM ticket AS again WHERE again.repeat_of = closed.id) AS back_after_s,
       coalesce(closed.predicted_at < coalesce(closed.failed_at, 'infinity'), false) AS foretold,
       closed.failed_at IS NOT NULL AS failed, closed.finding, closed.caused_by,
       EXISTS (SELECT FROM review_dispute
               WHERE review_dispute.ticket_id = closed.id AND accepted) AS excused,
       (SELECT hold_out_id FROM prediction_draw AS drawn
        WHERE drawn.device_id = closed.device_id AND drawn.component = closed.component
          AND drawn.eligible AND NOT drawn.held_out
          AND drawn.at <= closed.predicted_at AND drawn.until > closed.predicted_at
        ORDER BY drawn.id DESC LIMIT 1) AS hold_out_id
FROM closed
JOIN told ON told.ticket_id = closed.id
LEFT JOIN called ON called.ticket_id = closed.id
LEFT JOIN engineer ON engineer.id = closed.assignee_id
LEFT JOIN engineer AS team ON team.id = CASE
    WHEN EXISTS (SELECT FROM engineer AS led WHERE led.reports_to = engineer.id) THEN engineer.id
    ELSE engineer.reports_to END
LEFT JOIN device ON device.id = closed.device_id
LEFT JOIN site ON site.id = (SELECT site_id FROM site_of_ticket WHERE ticket_id = closed.id)
LEFT JOIN customer ON customer.id = site.customer_id
ORDER BY closed.closed_at, closed.id

-- name: disputed_times
SELECT device_id, greatest(starts_at, %(start)s) AS since, least(ends_at, %(end)s) AS until,
       id AS dispute_id
FROM review_dispute
WHERE accepted AND device_id = ANY (%(device_ids)s)
  AND starts_at < %(end)s AND ends_at > %(start)s
ORDER BY device_id, since, id

-- name: device_of_key
SELECT id FROM device WHERE key = %(key)s

-- name: raise_dispute
INSERT INTO review_dispute (ticket_id, device_id, starts_at, ends_at, reason, raised_at, raised_by)
VALUES (%(ticket_id)s, %(device_id)s, %(starts_at)s, %(ends_at)s, %(reason)s, %(now)s, %(actor)s)
RETURNING id

-- name: lock_dispute
SELECT raised_by, decided_by FROM review_dispute WHERE id = %(id)s FOR UPDATE

-- name: decide_dispute
UPDATE review_dispute
SET decided_at = %(now)s, decided_by = %(actor)s, accepted = %(accepted)s, answer = %(answer)s
WHERE id = %(id)s

-- name: disputes
SELECT review_dispute.*, device.key AS device
FROM review_dispute LEFT JOIN device ON device.id = device_id
WHERE (NOT %(only_open)s OR decided_at IS NULL) AND (%(by)s::text IS NULL OR raised_by = %(by)s)
ORDER BY review_dispute.id DESC

-- name: closed_months
SELECT month, version, time_zone, closed_at, closed_by, reason FROM review_month
ORDER BY month DESC, version DESC LIMIT %(most)s

-- name: engineer_of
SELECT key FROM engineer WHERE id = %(id)s

-- name: ticket_counts_for
SELECT EXISTS (
    SELECT FROM ticket JOIN engineer ON engineer.id = ticket.assignee_id
    WHERE ticket.id = %(ticket_id)s AND engineer.key = %(own)s
) AS counts

-- Whether a device stood at sites in somebody's care for all of [starts_at, ends_at).
-- name: downtime_counts_for
SELECT coalesce(sum(until - since), interval '0')
       >= %(ends_at)s::timestamptz - %(starts_at)s::timestamptz AS counts
FROM (
    SELECT greatest(place.from_at, care.from_at, %(starts_at)s) AS since,
           least(place.until_at, care.until_at, %(ends_at)s) AS until
    FROM device_place AS place
    JOIN site_care AS care ON care.site_id = place.site_id
    JOIN engineer ON engineer.id = care.engineer_id
    WHERE place.device_id = %(device_id)s AND engineer.key = %(own)s
) AS cared
WHERE since < until

-- name: lock_months
SELECT pg_advisory_xact_lock(hashtext('forecall.months'))

-- name: last_version
SELECT max(version) AS version FROM review_month WHERE month = %(month)s HAVING max(version) > 0

-- name: close_month
INSERT INTO review_month (month, version, time_zone, closed_at, closed_by, reason, rules, evidence,
                          reviews, reviews_sha256)
VALUES (%(month)s, %(version)s, %(time_zone)s, %(now)s, %(actor)s, %(reason)s, %(rules)s,
        %(evidence)s, %(reviews)s, %(sha256)s)

-- name: month
SELECT * FROM review_month
WHERE month = %(month)s AND (version = %(version)s OR %(version)s = 0)
ORDER BY version DESC LIMIT 1

-- name: begun
-- The state that each device began the period with, in the order asked. Before the first known change
-- the state is the one that change came from.
SELECT CASE coalesce(before.to_state, after.from_state, device_status.state)
       WHEN 'up' THEN 0 WHEN 'down' THEN 1 ELSE 2 END AS state,
       coalesce(array_position(%(components)s::text[], before.component), 0) AS component
FROM unnest(%(devices)s::integer[]) WITH ORDINALITY AS asked (device_id, place)
LEFT JOIN device_status ON device_status.device_id = asked.device_id
LEFT JOIN LATERAL (
    SELECT to_state, component FROM device_transition
    WHERE device_transition.device_id = asked.device_id AND at <= %(start)s
    ORDER BY at DESC, version DESC LIMIT 1
) before ON true
LEFT JOIN LATERAL (
    SELECT from_state FROM device_transition
    WHERE device_transition.device_id = asked.device_id AND at > %(start)s
    ORDER BY at, version LIMIT 1
) after ON before.to_state IS NULL
ORDER BY place

-- name: changes
-- Every change within the period, of the devices between two ids: state, component and version in one
-- number, because each column of a million rows costs a fifth of a second.
SELECT device_id, at,
       version * 1024 + coalesce(array_position(%(components)s::text[], component), 0) * 4
       + CASE to_state WHEN 'up' THEN 0 WHEN 'down' THEN 1 ELSE 2 END AS packed
FROM device_transition
WHERE device_id BETWEEN %(first)s AND %(last)s AND at > %(start)s AND at < %(end)s

-- name: parts_of_kinds
-- Which parts the kinds of devices have: those that ever failed or were worked on, or that took a device
-- down in the period.
SELECT DISTINCT device.kind, told.component
FROM (SELECT device_id, component FROM failure
      UNION SELECT device_id, component FROM maintenance
      UNION SELECT device_id, component FROM device_transition
            WHERE to_state = 'down' AND at > %(start)s AND at < %(end)s) AS told
JOIN device ON device.id = told.device_id
WHERE told.component <> ''
ORDER BY 2, 1
