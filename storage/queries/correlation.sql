-- Whether faults that others may share wait to be told, and the newest of them.
-- name: waiting
SELECT max(held.since) AS newest, coalesce(bool_or(alert.held_until <= %(now)s), false) AS due
FROM alert
JOIN alert_condition AS held ON held.alert_id = alert.id AND held.origin IN ('transition', 'event')
WHERE alert.held_until IS NOT NULL AND alert.closed_at IS NULL AND alert.active
  AND alert.state IN ('unacknowledged', 'acknowledged')

-- name: suspects
CREATE TEMP TABLE IF NOT EXISTS suspect (
    alert_id  bigint PRIMARY KEY,
    device_id integer NOT NULL,
    signature text NOT NULL,
    since     timestamptz NOT NULL,
    batch_id  bigint
) ON COMMIT DROP

-- name: clear
TRUNCATE suspect

-- What came of late, by what it suffers from. With them those of batches that are still young: a wider
-- cause may show.
-- name: fill
INSERT INTO suspect (alert_id, device_id, signature, since, batch_id)
SELECT DISTINCT ON (alert.id) alert.id, alert.device_id,
       CASE WHEN held.origin = 'transition' OR alert.component = ANY(%(cut_off_parts)s)
                 OR held.rule = ANY(%(cut_off_rules)s) THEN 'down'
            ELSE held.rule || ' ' || alert.component END AS signature,
       held.since, batch.id AS batch_id
FROM alert
JOIN alert_condition AS held ON held.alert_id = alert.id
 AND held.origin IN ('transition', 'event') AND held.since > %(since)s
LEFT JOIN batch ON batch.id = alert.batch_id AND batch.ended_at IS NULL
               AND alert.batch_until IS NULL
WHERE alert.closed_at IS NULL AND alert.active AND alert.flapping_since IS NULL
  AND alert.device_id IS NOT NULL
  AND (alert.state IN ('unacknowledged', 'acknowledged')
       OR (batch.first_at > %(since)s AND batch.declared_at IS NULL))
ORDER BY alert.id, held.origin = 'transition' DESC, held.since

-- name: analyze
ANALYZE suspect

-- How many of what suspects have in common have the fault, of how many that could; and how often they
-- had such faults of their own before. No sizes: they were not counted, or too long ago.
-- name: shares
WITH shared AS (
    SELECT signature, device_group.kind, device_group.key, device_group.name, count(*) AS faults
    FROM (SELECT DISTINCT device_id, signature FROM suspect) AS suspect
    JOIN device_group USING (device_id)
    GROUP BY signature, device_group.kind, device_group.key, device_group.name
    HAVING count(*) >= %(least)s
)
SELECT shared.*, greatest(size.devices, faults) AS devices, size.past
FROM shared
LEFT JOIN device_group_size AS size ON size.kind = shared.kind AND size.key = shared.key
      AND size.counted_at > %(since)s AND size.counted_at <= %(now)s
ORDER BY signature, kind, key

-- name: forget_sizes
DELETE FROM device_group_size

-- The groups of the view `device_group`, counted in one pass over the fleet.
-- name: count_sizes
WITH own AS (
    SELECT device_id, count(*) AS faults
    FROM alert
    WHERE opened_at > %(past_from)s AND opened_at <= %(past_until)s
      AND batch_id IS NULL AND origin IN ('transition', 'event')
    GROUP BY device_id
), counted AS (
    SELECT device.id, device.site_id, device.kind, device.model, device.firmware,
           coalesce(own.faults, 0) AS faults
    FROM device
    LEFT JOIN device_status ON device_status.device_id = device.id
    LEFT JOIN own ON own.device_id = device.id
    WHERE device.adopted_at IS NOT NULL
      AND (coalesce(device_status.state, 'up') = 'up'
           OR device.id IN (SELECT device_id FROM suspect))
), of_device AS (
    SELECT site_id, kind, model, firmware, count(*) AS devices, sum(faults) AS past,
           grouping(site_id) = 0 AS by_site, grouping(firmware) = 0 AS by_firmware,
           grouping(model) = 0 AND grouping(firmware) = 1 AS by_model
    FROM counted
    GROUP BY GROUPING SETS ((site_id), (kind, model, firmware), (kind, model), ())
)
INSERT INTO device_group_size (kind, key, devices, past, counted_at)
SELECT kind, key, sum(devices), sum(past), %(now)s
FROM (
    SELECT 'site' AS kind, site.key, devices, past
    FROM of_device JOIN site ON site.id = site_id
    WHERE by_site
    UNION ALL
    SELECT 'firmware', kind || '/' || model || '/' || firmware, devices, past
    FROM of_device WHERE by_firmware AND firmware <> ''
    UNION ALL
    SELECT 'model', kind || '/' || model, devices, past
    FROM of_device WHERE by_model AND model <> ''
    UNION ALL
    SELECT 'fleet', '', devices, past
    FROM of_device WHERE NOT by_site AND NOT by_firmware AND NOT by_model AND devices > 0
    UNION ALL
    SELECT parent.kind, parent.key, 1, faults
    FROM (
        SELECT device_id, parent_id FROM device_parent
        UNION
        SELECT device_id, id FROM parent WHERE device_id IS NOT NULL
    ) AS tied
    JOIN parent ON parent.id = tied.parent_id
    JOIN counted ON counted.id = tied.device_id
) AS of_group
GROUP BY kind, key

-- name: watched_since
SELECT min(adopted_at) AS at FROM device

-- Faults of what an open batch is about, while it still grows.
-- name: joiners
SELECT DISTINCT ON (suspect.alert_id) suspect.alert_id, suspect.device_id, suspect.signature,
       batch.id AS batch_id
FROM suspect
JOIN device_group USING (device_id)
JOIN batch ON batch.kind = device_group.kind AND batch.key = device_group.key
          AND batch.signature = suspect.signature
WHERE batch.ended_at IS NULL AND suspect.batch_id IS NULL
  AND suspect.since > batch.first_at - %(before)s
  AND suspect.since <= CASE WHEN batch.declared_at IS NOT NULL AND batch.cleared_at IS NULL
                            THEN 'infinity' ELSE batch.grown_at + %(after)s END
ORDER BY suspect.alert_id, batch.id

-- The batches that devices may be part of, and from when until when their faults are.
-- name: growing
SELECT device_group.device_id, batch.id AS batch_id, batch.signature,
       batch.first_at - %(before)s AS since, batch.grown_at + %(after)s AS until,
       batch.declared_at IS NOT NULL AND batch.cleared_at IS NULL AS declared
FROM device_group
JOIN batch USING (kind, key)
WHERE batch.ended_at IS NULL AND device_group.device_id = ANY(%(device_ids)s::int[])
ORDER BY batch.id DESC

-- name: of_group
SELECT suspect.alert_id, suspect.batch_id, suspect.since
FROM suspect JOIN device_group USING (device_id)
WHERE suspect.signature = %(signature)s AND device_group.kind = %(kind)s
  AND device_group.key = %(key)s
ORDER BY suspect.alert_id

-- name: settled
DELETE FROM suspect WHERE alert_id = ANY(%(alert_ids)s::bigint[])

-- The batch of the same cause whose alert is not closed yet: over or not, it goes on.
-- name: same_batch
SELECT batch.id, batch.ended_at
FROM batch JOIN alert ON alert.id = batch.id
WHERE batch.kind = %(kind)s AND batch.key = %(key)s AND batch.signature = %(signature)s
  AND alert.closed_at IS NULL AND batch.absorbed_by IS NULL
ORDER BY batch.id DESC
LIMIT 1

-- name: open_alert
INSERT INTO alert (component, fault_class, state, severity, origin, rule, message, active, opened_at,
                   last_sign_at)
VALUES ('', '', 'normal', %(severity)s, 'batch', %(rule)s, %(message)s, false, %(now)s, %(now)s)
RETURNING id

-- name: hold
INSERT INTO alert_condition (alert_id, rule, origin, failed, since, last_at)
VALUES (%(batch_id)s, 'batch', 'batch', false, %(first_at)s, %(now)s)
ON CONFLICT (alert_id, rule) DO NOTHING

-- name: open
INSERT INTO batch (id, kind, key, name, signature, first_at, recognised_at, grown_at, evidence)
VALUES (%(batch_id)s, %(kind)s, %(key)s, %(name)s, %(signature)s, %(first_at)s, %(now)s, %(now)s,
        %(evidence)s)

-- name: reopen
UPDATE batch SET ended_at = NULL, eased_at = NULL, recognised_at = %(now)s, first_at = %(first_at)s,
                 evidence = %(evidence)s,
                 declared_at = CASE WHEN ended_at IS NULL THEN declared_at END,
                 cleared_at = CASE WHEN ended_at IS NULL THEN cleared_at END
WHERE id = %(batch_id)s

-- name: move_members
UPDATE alert SET batch_id = %(batch_id)s, batch_since = %(now)s
WHERE id = ANY(%(alert_ids)s::bigint[])

-- name: absorb
UPDATE batch SET ended_at = %(now)s, absorbed_by = %(batch_id)s, active = 0
WHERE id = ANY(%(batch_ids)s::bigint[])
RETURNING id

-- name: members_of
SELECT id FROM alert
WHERE batch_id = ANY(%(batch_ids)s::bigint[]) AND batch_until IS NULL AND closed_at IS NULL
ORDER BY id

-- name: worst_of
SELECT severity FROM alert WHERE id = ANY(%(alert_ids)s::bigint[]) GROUP BY severity

-- How a batch stands: so many members ever, so many still, and where most of them are.
-- name: count
WITH member AS (
    SELECT alert.batch_id, alert.device_id,
           alert.batch_until IS NULL AND alert.active AND alert.closed_at IS NULL AS active
    FROM alert
    WHERE alert.batch_id = ANY(%(batch_ids)s::bigint[])
), place AS (
    SELECT DISTINCT ON (batch_id) batch_id, site_id
    FROM member JOIN device ON device.id = member.device_id
    WHERE site_id IS NOT NULL
    GROUP BY batch_id, site_id
    ORDER BY batch_id, count(DISTINCT device_id) DESC, site_id
)
UPDATE batch
SET members = counted.members, active = counted.active, site_id = coalesce(place.site_id, batch.site_id),
    grown_at = CASE WHEN counted.members > batch.members THEN %(now)s ELSE grown_at END,
    eased_at = CASE WHEN counted.active < batch.active THEN %(now)s ELSE eased_at END
FROM (
    SELECT batch_id, count(*) AS alerts, count(DISTINCT device_id) AS members,
           count(DISTINCT device_id) FILTER (WHERE active) AS active
    FROM member GROUP BY batch_id
) AS counted
LEFT JOIN place USING (batch_id)
WHERE batch.id = counted.batch_id
  AND (batch.members <> counted.members OR batch.active <> counted.active
       OR counted.alerts > coalesce((batch.evidence ->> 'alerts')::bigint, 0))
RETURNING batch.id, batch.grown_at,
          counted.alerts > coalesce((batch.evidence ->> 'alerts')::bigint, 0) AS unseen

-- name: write_headline
UPDATE alert SET message = %(message)s, severity = %(severity)s WHERE id = %(batch_id)s

-- What was seen of the members of a batch: so many devices that went down, that report an error.
-- name: seen
SELECT fault, count(DISTINCT device_id) AS devices, (sum(count(*)) OVER ())::bigint AS alerts
FROM (
    SELECT device_id,
           CASE WHEN origin = 'transition' THEN 'down' ELSE rule || ' ' || component END AS fault
    FROM alert
    WHERE batch_id = %(batch_id)s
) AS member
GROUP BY fault
ORDER BY (fault = 'down') DESC, devices DESC, fault
LIMIT %(limit)s

-- name: keep_seen
UPDATE batch SET evidence = evidence || %(seen)s WHERE id = %(batch_id)s

-- name: open_batches
SELECT id FROM batch WHERE ended_at IS NULL

-- What somebody says of a parent that is not watched.
-- name: declare_down
UPDATE batch SET declared_at = %(now)s, cleared_at = NULL
WHERE id = %(batch_id)s AND (declared_at IS NULL OR cleared_at IS NOT NULL)
RETURNING id

-- name: declare_up
UPDATE batch SET cleared_at = %(now)s
FROM parent
WHERE parent.key = %(key)s AND batch.kind = parent.kind AND batch.key = parent.key
  AND batch.ended_at IS NULL AND batch.declared_at IS NOT NULL AND batch.cleared_at IS NULL
RETURNING batch.id

-- Batches whose cause is gone: all members are well, or nearly all and no other became so of late.
-- name: over
SELECT id, active
FROM batch
WHERE ended_at IS NULL
  AND (declared_at IS NULL OR cleared_at IS NOT NULL)
  AND (active = 0 OR cleared_at <= %(before)s
       OR ((active < %(least)s OR active <= members * %(rest)s) AND eased_at <= %(before)s))
ORDER BY id

-- name: end
UPDATE batch SET ended_at = %(now)s WHERE id = ANY(%(batch_ids)s::bigint[])

-- name: batches
SELECT batch.*, alert.state, alert.severity, alert.message, ticket.id AS ticket_id,
       ticket.id IS NOT NULL AND ticket.closed_at IS NULL AS ticket_open, worst.severity AS worst
FROM batch
JOIN alert ON alert.id = batch.id
LEFT JOIN LATERAL (
    SELECT id, closed_at FROM ticket WHERE ticket.batch_id = batch.id ORDER BY id DESC LIMIT 1
) AS ticket ON true
LEFT JOIN LATERAL (
    SELECT member.severity
    FROM unnest(ARRAY['critical', 'error', 'warning', 'info']) WITH ORDINALITY
         AS grade (severity, rank)
    JOIN LATERAL (
        SELECT severity FROM alert
        WHERE alert.batch_id = batch.id AND alert.severity = grade.severity
        LIMIT 1
    ) AS member ON true
    ORDER BY rank
    LIMIT 1
) AS worst ON true
WHERE (%(batch_id)s::bigint IS NULL OR batch.id = %(batch_id)s)
  AND (NOT %(only_open)s OR batch.ended_at IS NULL)
ORDER BY batch.recognised_at DESC, batch.id DESC
LIMIT %(limit)s

-- name: members
SELECT alert.id AS alert_id, alert.device_id, device.key AS device_key, alert.component,
       alert.fault_class, alert.state, alert.active, alert.batch_since AS joined_at,
       alert.batch_until AS left_at, ticket.id AS ticket_id
FROM alert
JOIN device ON device.id = alert.device_id
LEFT JOIN ticket ON ticket.device_id = alert.device_id AND ticket.component = alert.component
                AND ticket.fault_class = alert.fault_class AND ticket.closed_at IS NULL
WHERE alert.batch_id = %(batch_id)s
ORDER BY alert.active DESC, device.key, alert.id
LIMIT %(limit)s OFFSET %(offset)s

-- The open batch that a fault is part of, and its ticket.
-- name: batch_of_fault
SELECT alert.batch_id, ticket.id AS ticket_id
FROM alert
JOIN batch ON batch.id = alert.batch_id AND batch.ended_at IS NULL
LEFT JOIN ticket ON ticket.batch_id = batch.id AND ticket.closed_at IS NULL
WHERE alert.device_id = %(device_id)s AND alert.closed_at IS NULL AND alert.batch_until IS NULL
  AND (%(component)s::text IS NULL OR alert.component = %(component)s)
ORDER BY alert.batch_since DESC
LIMIT 1

-- When devices were part of batches, and of which cause, as far as that touches the period.
-- name: memberships_of_devices
SELECT alert.device_id, greatest(alert.batch_since, %(start)s) AS since,
       least(coalesce(alert.batch_until, %(end)s), %(end)s) AS until, batch.id AS batch_id, batch.kind
FROM alert JOIN batch ON batch.id = alert.batch_id
WHERE alert.device_id = ANY(%(device_ids)s) AND alert.batch_since < %(end)s
  AND coalesce(alert.batch_until, %(end)s) > %(start)s
ORDER BY alert.device_id, since, batch.id
