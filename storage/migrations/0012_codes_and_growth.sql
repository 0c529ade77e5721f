-- How counters grow, and codes that no table knows.

-- What one reading adds to a counter after another: the one definition, told in words and held
-- against the same rule in numpy by pipeline/counters.py.
CREATE FUNCTION counter_step(before double precision, after double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN before IS NULL OR before = 'NaN' THEN 0
        WHEN after >= before THEN after - before
        WHEN before < 65536 AND before >= 61440 AND after <= 4096 THEN 65536 - before + after
        WHEN before < 4294967296 AND before >= 4026531840 AND after <= 268435456
            THEN 4294967296 - before + after
        WHEN after <= before / 2 THEN after
        ELSE 0
    END
$$;

-- `growth`: of a counter in the hour, from the last reading before it on; `before`: that reading.
ALTER TABLE rollup_hourly
    ADD COLUMN growth double precision NOT NULL DEFAULT 0,
    ADD COLUMN before double precision NOT NULL DEFAULT 'NaN';

-- As far as the hourly figures tell it, for the hours that stand already.
UPDATE rollup_hourly AS rollup
SET before = coalesce(hourly.before, 'NaN'),
    growth = counter_step(hourly.before, rollup.first) + CASE
        WHEN rollup.last >= rollup.first THEN rollup.last - rollup.first
        ELSE rollup.high - rollup.first + counter_step(rollup.high, rollup.last)
    END
FROM (
    SELECT device_id, metric_id, hour,
           lag(last) OVER (PARTITION BY device_id, metric_id ORDER BY hour) AS before
    FROM rollup_hourly
    WHERE metric_id IN (SELECT id FROM metric WHERE kind = 'counter')
) AS hourly
WHERE rollup.device_id = hourly.device_id AND rollup.metric_id = hourly.metric_id
  AND rollup.hour = hourly.hour;

-- A part that was replaced, whoever records it and however late, changes what its counters' steps
-- mean: in the hour of it and in the next one that has readings.
CREATE FUNCTION touch_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rollup_touched (device_id, hour)
    SELECT NEW.device_id, date_trunc('hour', NEW.at, 'UTC')
    UNION
    SELECT NEW.device_id, next.hour
    FROM metric
    CROSS JOIN LATERAL (
        SELECT hour FROM rollup_hourly
        WHERE device_id = NEW.device_id AND metric_id = metric.id AND hour > NEW.at
        ORDER BY hour LIMIT 1
    ) AS next
    WHERE metric.kind = 'counter'
    ORDER BY 1, 2
    ON CONFLICT (device_id, hour) DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER maintenance_touches_rollups AFTER INSERT ON maintenance
FOR EACH ROW WHEN (NEW.action = 'replaced') EXECUTE FUNCTION touch_replaced();

-- Codes of parts' own protocols that no dialect table knows, for the operator. Found in the events by
-- the schedule, not on their way in.
CREATE TABLE unknown_code (
    dialect       text NOT NULL,
    raw_code      text NOT NULL,
    component     text NOT NULL,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL,
    seen          bigint NOT NULL,                     -- at least so often
    counted_until timestamptz NOT NULL,                -- arrival of the last event that `seen` holds
    device_id     integer NOT NULL REFERENCES device ON DELETE CASCADE,   -- one that says it
    PRIMARY KEY (dialect, raw_code, component)
);
CREATE INDEX device_event_dialect ON device_event (received_at) WHERE dialect <> '';
