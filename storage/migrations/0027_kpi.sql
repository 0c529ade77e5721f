-- Since when each device has stood at its site, and each site been in its engineer's care, and until when.

CREATE VIEW device_place AS
SELECT device_id, site_id, until_at,
       lag(until_at, 1, '-infinity') OVER (PARTITION BY device_id ORDER BY until_at) AS from_at
FROM (SELECT device_id, site_id, until_at FROM device_place_past
      UNION ALL SELECT id, site_id, 'infinity' FROM device) AS every;

CREATE VIEW site_care AS
SELECT site_id, engineer_id, until_at,
       lag(until_at, 1, '-infinity') OVER (PARTITION BY site_id ORDER BY until_at) AS from_at
FROM (SELECT site_id, engineer_id, until_at FROM site_care_past
      UNION ALL SELECT id, engineer_id, 'infinity' FROM site) AS every;

-- Predictions that were acted upon, or drawn by lot to be watched only: what would have come of itself.
CREATE TABLE prediction_draw (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id    integer NOT NULL REFERENCES device ON DELETE CASCADE,
    component    text NOT NULL,
    at           timestamptz NOT NULL,                 -- when it first spoke
    until        timestamptz NOT NULL,                 -- the end of its horizon
    probability  real NOT NULL,
    lot          double precision NOT NULL,            -- 0 to 1, the keyed hash
    share        double precision NOT NULL,            -- of the draw, as configured then
    held_out     boolean NOT NULL,
    eligible     boolean NOT NULL,                     -- of low risk: it took part in the draw
    CHECK (until > at),
    CHECK (eligible OR NOT held_out)
);
CREATE INDEX prediction_draw_device ON prediction_draw (device_id, component, until);
CREATE INDEX prediction_draw_until ON prediction_draw (until);
