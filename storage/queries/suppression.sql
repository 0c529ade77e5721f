-- What holds open alerts back at this moment, the strongest first: out of service, a shelf, a window, a
-- parent that is down, a batch. Only alerts whose state should be another than it is.
-- name: misplaced
WITH in_force AS (
    SELECT * FROM suppression
    WHERE starts_at <= %(now)s AND (ends_at IS NULL OR ends_at > %(now)s) AND ended_at IS NULL
), open_alert AS (
    SELECT alert.id, alert.device_id, alert.component, alert.fault_class, alert.state,
           alert.batch_id, alert.batch_until, device.site_id, site.customer_id,
           batch.id IS NOT NULL AS member
    FROM alert
    JOIN device ON device.id = alert.device_id
    LEFT JOIN site ON site.id = device.site_id
    LEFT JOIN batch ON batch.id = alert.batch_id AND batch.ended_at IS NULL
                   AND alert.batch_until IS NULL
    WHERE alert.closed_at IS NULL AND alert.active
      -- What is part of a batch is held back already, unless a person asks for more.
      AND (batch.id IS NULL OR alert.state <> 'suppressed' OR %(all)s
           OR alert.device_id IN (SELECT device_id FROM in_force WHERE device_id IS NOT NULL))
      AND (%(alert_ids)s::bigint[] IS NULL OR alert.id = ANY(%(alert_ids)s::bigint[]))
), cover AS (
    SELECT open_alert.id AS alert_id, in_force.kind, in_force.id AS by_id, in_force.reason,
           in_force.actor, in_force.ends_at
    FROM open_alert
    JOIN in_force ON in_force.device_id = open_alert.device_id
     AND (in_force.component IS NULL OR in_force.component = open_alert.component)
     AND (in_force.fault_class IS NULL OR in_force.fault_class = open_alert.fault_class)
    UNION ALL
    SELECT open_alert.id, in_force.kind, in_force.id, in_force.reason, in_force.actor,
           in_force.ends_at
    FROM open_alert
    JOIN in_force ON in_force.site_id = open_alert.site_id
    UNION ALL
    SELECT open_alert.id, in_force.kind, in_force.id, in_force.reason, in_force.actor,
           in_force.ends_at
    FROM open_alert
    JOIN in_force ON in_force.customer_id = open_alert.customer_id
    UNION ALL
    SELECT open_alert.id, 'parent', down.id, parent.name, '', NULL
    FROM parent
    JOIN alert AS down ON down.device_id = parent.device_id AND down.closed_at IS NULL AND down.active
    JOIN alert_condition AS gone ON gone.alert_id = down.id AND gone.origin = 'transition'
    JOIN device_parent ON device_parent.parent_id = parent.id
    JOIN open_alert ON open_alert.device_id = device_parent.device_id
                   AND open_alert.fault_class = 'unreachable'
    UNION ALL
    SELECT open_alert.id, 'batch', batch.id, batch.name, '', NULL
    FROM open_alert
    JOIN batch ON batch.id = open_alert.batch_id AND batch.ended_at IS NULL
    WHERE open_alert.batch_until IS NULL
), strongest AS (
    SELECT DISTINCT ON (alert_id) cover.*, rank.state AS wanted
    FROM cover
    JOIN (VALUES (1, 'out_of_service', 'out_of_service'), (2, 'shelf', 'shelved'),
                 (3, 'window', 'suppressed'), (4, 'parent', 'suppressed'),
                 (5, 'batch', 'suppressed')) AS rank (rank, kind, state) USING (kind)
    ORDER BY alert_id, rank.rank, by_id
)
SELECT open_alert.id, open_alert.state, strongest.wanted, strongest.kind, strongest.by_id,
       strongest.reason, strongest.actor, strongest.ends_at, open_alert.member
FROM open_alert
LEFT JOIN strongest ON strongest.alert_id = open_alert.id
WHERE %(all)s
   OR strongest.wanted <> open_alert.state
   OR (strongest.wanted IS NULL
       AND open_alert.state IN ('shelved', 'suppressed', 'out_of_service'))

-- Whether anything may be held back, or is: most of the time nothing is.
-- name: anything
SELECT EXISTS (SELECT FROM suppression WHERE ended_at IS NULL AND starts_at <= %(now)s
                  AND (ends_at IS NULL OR ends_at > %(now)s))
    OR EXISTS (SELECT FROM parent WHERE device_id IS NOT NULL)
    OR EXISTS (SELECT FROM alert WHERE closed_at IS NULL
                  AND state IN ('shelved', 'suppressed', 'out_of_service')) AS something

-- name: add
INSERT INTO suppression (kind, device_id, component, fault_class, site_id, customer_id, starts_at,
                         ends_at, reason, actor, made_at)
VALUES (%(kind)s, %(device_id)s, %(component)s, %(fault_class)s, %(site_id)s, %(customer_id)s,
        %(starts_at)s, %(ends_at)s, %(reason)s, %(actor)s, %(now)s)
RETURNING id

-- name: end
UPDATE suppression SET ended_at = %(now)s, ended_by = %(actor)s
WHERE id = %(id)s AND kind = %(kind)s AND ended_at IS NULL
  AND (ends_at IS NULL OR ends_at > %(now)s)
RETURNING id

-- name: end_of_device
UPDATE suppression SET ended_at = %(now)s, ended_by = %(actor)s
WHERE device_id = %(device_id)s AND kind = 'out_of_service' AND ended_at IS NULL
RETURNING id

-- name: end_shelves
UPDATE suppression SET ended_at = %(now)s, ended_by = %(actor)s
FROM alert
WHERE alert.id = %(alert_id)s AND kind = 'shelf' AND ended_at IS NULL
  AND suppression.device_id = alert.device_id AND suppression.component = alert.component
  AND suppression.fault_class = alert.fault_class AND ends_at > %(now)s
RETURNING suppression.id

-- name: key_of
SELECT CASE %(what)s
    WHEN 'device' THEN (SELECT key FROM device WHERE id = %(id)s)
    WHEN 'site' THEN (SELECT key FROM site WHERE id = %(id)s)
    WHEN 'customer' THEN (SELECT key FROM customer WHERE id = %(id)s)
END AS key

-- name: present
SELECT suppression.id, suppression.kind, suppression.device_id, suppression.component,
       suppression.fault_class, suppression.site_id, suppression.customer_id,
       coalesce(device.key, site.name, customer.name) AS name, starts_at, ends_at, reason, actor,
       starts_at <= %(now)s AS in_force
FROM suppression
LEFT JOIN device ON device.id = suppression.device_id
LEFT JOIN site ON site.id = suppression.site_id
LEFT JOIN customer ON customer.id = suppression.customer_id
WHERE suppression.kind = %(kind)s AND ended_at IS NULL AND (ends_at IS NULL OR ends_at > %(now)s)
ORDER BY starts_at, suppression.id
