-- Many faults at once.

-- As before, but put so that of a few devices only their own groups are looked up, not all groups of all.
CREATE OR REPLACE VIEW device_group (device_id, kind, key, name) AS
SELECT device.id, shared.kind, shared.key, shared.name
FROM device
LEFT JOIN site ON site.id = device.site_id
CROSS JOIN LATERAL (
    VALUES
        ('site', site.key, site.name),
        ('firmware', CASE WHEN firmware <> '' THEN device.kind || '/' || model || '/' || firmware END,
         model || ' ' || firmware),
        ('model', CASE WHEN model <> '' THEN device.kind || '/' || model END, model),
        ('fleet', '', '')
    UNION ALL
    SELECT parent.kind, parent.key, parent.name
    FROM device_parent JOIN parent ON parent.id = device_parent.parent_id
    WHERE device_parent.device_id = device.id
    UNION ALL
    SELECT parent.kind, parent.key, parent.name
    FROM parent
    WHERE parent.device_id = device.id AND NOT EXISTS (
        SELECT FROM device_parent AS own
        WHERE own.parent_id = parent.id AND own.device_id = parent.device_id
    )
) AS shared (kind, key, name)
WHERE device.adopted_at IS NOT NULL AND shared.key IS NOT NULL;

-- Somebody said that it is down, and that it is up again: an unwatched parent's own word.
ALTER TABLE batch ADD COLUMN declared_at timestamptz, ADD COLUMN cleared_at timestamptz;
