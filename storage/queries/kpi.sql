-- Each device's period is cut at its state changes; each piece belongs to the state that it began
-- with. Before the first known change the state is the one that change came from.
-- name: uptime
WITH chosen AS (
    SELECT device.id AS device_id, scope.key, scope.name
    FROM device
    LEFT JOIN site ON site.id = device.site_id
    LEFT JOIN customer ON customer.id = site.customer_id
    LEFT JOIN engineer ON engineer.id = site.engineer_id
    CROSS JOIN LATERAL (
        SELECT device.key, device.key AS name WHERE %(scope)s = 'device'
        UNION ALL SELECT site.key, site.name WHERE %(scope)s = 'site'
        UNION ALL SELECT customer.key, customer.name WHERE %(scope)s = 'customer'
        UNION ALL SELECT engineer.key, engineer.name WHERE %(scope)s = 'engineer'
    ) scope
    WHERE device.adopted_at IS NOT NULL AND scope.key IS NOT NULL
), mark AS (
    SELECT chosen.device_id, %(start)s::timestamptz AS at, -1::bigint AS version,
           coalesce(before.to_state, after.from_state, device_status.state, 'unwatched') AS state
    FROM chosen
    LEFT JOIN device_status ON device_status.device_id = chosen.device_id
    LEFT JOIN LATERAL (
        SELECT to_state FROM device_transition
        WHERE device_transition.device_id = chosen.device_id AND at <= %(start)s
        ORDER BY at DESC, version DESC LIMIT 1
    ) before ON true
    LEFT JOIN LATERAL (
        SELECT from_state FROM device_transition
        WHERE device_transition.device_id = chosen.device_id AND at > %(start)s
        ORDER BY at, version LIMIT 1
    ) after ON true
    UNION ALL
    SELECT chosen.device_id, at, version, to_state
    FROM device_transition
    JOIN chosen ON chosen.device_id = device_transition.device_id
    WHERE at > %(start)s AND at < %(end)s
), piece AS (
    SELECT device_id, state,
           lead(at, 1, %(end)s::timestamptz) OVER (PARTITION BY device_id ORDER BY at, version)
               - at AS span
    FROM mark
)
SELECT chosen.key, chosen.name,
       coalesce(extract(epoch FROM sum(span) FILTER (WHERE state = 'up')), 0)::float8 AS up_s,
       coalesce(extract(epoch FROM sum(span) FILTER (WHERE state = 'down')), 0)::float8 AS down_s,
       coalesce(extract(epoch FROM sum(span) FILTER (WHERE state = 'unwatched')), 0)::float8
           AS unwatched_s
FROM piece
JOIN chosen ON chosen.device_id = piece.device_id
GROUP BY chosen.key, chosen.name
ORDER BY chosen.key
