-- What is watched without any failures on record: how unlike itself and its peers each device is, and
-- when its supplies run out.

-- Six hours of a kind of device in one row: arrays of numpy (little-endian), so that weeks of a whole
-- fleet are a hundred rows. Matrices lie subject by subject.
CREATE TABLE fleet_level (
    kind       text NOT NULL,
    until      timestamptz NOT NULL,                   -- the window's end
    device_ids bytea NOT NULL,                         -- int4, increasing
    subjects   text[] NOT NULL,                        -- metrics, and `component:*` for its events
    counted    boolean[] NOT NULL,                     -- of a subject: counts in the window, not means
    level      bytea NOT NULL,                         -- float4 (subjects, devices); NaN: unknown
    newest     bytea NOT NULL,                         -- likewise: the last value in the window
    apart      bytea NOT NULL,                         -- likewise: how far from the peers
    unusual    bytea NOT NULL,                         -- likewise: and how far from its own past
    components text[] NOT NULL,
    score      bytea NOT NULL,                         -- float4 (components, devices): how unusual
    PRIMARY KEY (kind, until)
);

-- Where a device was so unusual that somebody should know.
CREATE TABLE anomaly (
    at        timestamptz NOT NULL,
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    component text NOT NULL,
    score     real NOT NULL,
    chance    double precision NOT NULL,               -- of so high a score where all is well
    reasons   jsonb NOT NULL,                          -- a list of texts
    PRIMARY KEY (device_id, component, at)
);
CREATE INDEX anomaly_at ON anomaly (at);

-- When a supply runs out or a store fills up; null: later than is looked ahead.
CREATE TABLE consumable (
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    metric    text NOT NULL,
    component text NOT NULL,
    at        timestamptz NOT NULL,                    -- as of
    level     real NOT NULL,
    edge      real NOT NULL,                           -- the level at which it is empty or full
    early     timestamptz,                             -- one in ten comes before
    likely    timestamptz,                             -- half of them
    late      timestamptz,                             -- one in ten comes after
    visit     timestamptz NOT NULL,                    -- when somebody is expected to come by
    PRIMARY KEY (device_id, metric)
);
CREATE INDEX consumable_early ON consumable (early);

ALTER TABLE alert DROP CONSTRAINT alert_origin_check;
ALTER TABLE alert ADD CONSTRAINT alert_origin_check CHECK (
    origin IN ('transition', 'event', 'threshold', 'prediction', 'anomaly', 'consumable'));
