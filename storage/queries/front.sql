-- name: devices
SELECT device.kind, coalesce(device_status.state, 'unwatched') AS state, count(*) AS devices
FROM device LEFT JOIN device_status ON device_status.device_id = device.id
WHERE device.adopted_at IS NOT NULL
GROUP BY 1, 2

-- name: counts
SELECT
    (SELECT count(*) FROM device WHERE adopted_at IS NULL) AS unadopted,
    (SELECT coalesce(sum(stored), 0) FROM intake_count)::bigint AS stored,
    (SELECT coalesce(sum(duplicate), 0) FROM intake_count)::bigint AS duplicate,
    (SELECT coalesce(sum(rejected), 0) FROM intake_count)::bigint AS rejected,
    (SELECT count(*) FROM alert WHERE closed_at IS NULL) AS open_alerts,
    (SELECT count(*) FROM ticket WHERE closed_at IS NULL) AS open_tickets,
    (SELECT count(*) FROM prediction WHERE at > %(now)s - interval '7 days') AS predictions,
    (SELECT count(*) FROM model WHERE stage = 'champion') AS champions,
    (SELECT count(*) FROM pending_sign) AS pending_signs,
    (SELECT count(*) FROM rollup_touched) AS pending_rollups,
    (SELECT max(last_seen_at) FROM device_status) AS last_seen_at

-- name: watches
SELECT collector, watching_since, beat_at FROM collector_watch ORDER BY collector

-- name: server
SELECT current_setting('server_version') AS version,
       pg_size_pretty(pg_database_size(current_database())) AS size,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb

-- name: accounts
SELECT count(*) AS accounts FROM account WHERE disabled_at IS NULL

-- Devices that spoke Sparkplug: only theirs have a `~` in their keys.
-- name: sparkplug_keys
SELECT key FROM device WHERE position('~' IN key) > 0 ORDER BY key
