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

-- Which share of the predictions of low risk nobody acts upon, so that it can be known what acting is
-- worth. The newest row counts; without one, or with share 0, all are acted upon.
CREATE TABLE hold_out (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text NOT NULL,
    share  double precision NOT NULL CHECK (share BETWEEN 0 AND 0.5),
    below  double precision NOT NULL CHECK (below BETWEEN 0 AND 1),  -- probabilities of low risk
    spared text[] NOT NULL,                            -- components and kinds never held out
    salt   text NOT NULL                               -- key of the hash that draws
);
CREATE TRIGGER hold_out_append_only BEFORE UPDATE OR DELETE ON hold_out
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was drawn for each prediction while a share was held out; it holds until the horizon ends or the
-- component fails.
CREATE TABLE prediction_draw (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hold_out_id integer NOT NULL REFERENCES hold_out,
    device_id   integer NOT NULL REFERENCES device ON DELETE CASCADE,
    component   text NOT NULL,
    at          timestamptz NOT NULL,                  -- of the scoring that spoke first
    until       timestamptz NOT NULL,                  -- the end of its horizon
    probability real NOT NULL,
    eligible    boolean NOT NULL,                      -- of low risk: it took part in the draw
    lot         double precision NOT NULL,             -- 0 to 1, by the keyed hash
    held_out    boolean NOT NULL,
    CHECK (until > at),
    CHECK (eligible OR NOT held_out)
);
CREATE INDEX prediction_draw_device ON prediction_draw (device_id, component, until);
CREATE INDEX prediction_draw_at ON prediction_draw (at);
