-- Whether a device is up, and since when.

CREATE TABLE device_status (
    device_id    integer PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    collector    text NOT NULL DEFAULT '',             -- who watches it
    state        text NOT NULL DEFAULT 'unwatched' CHECK (state IN ('up', 'down', 'unwatched')),
    since        timestamptz NOT NULL,
    reported     text NOT NULL DEFAULT '',             -- XFS4IoT, as the device last said
    component    text NOT NULL DEFAULT '',
    boot_id      text NOT NULL DEFAULT '',             -- the session heard last
    seq          bigint NOT NULL DEFAULT 0,            -- its newest message
    last_seen_at timestamptz,
    interval_s   real NOT NULL DEFAULT 300,
    due_at       timestamptz,                          -- silent past this: down
    version      bigint NOT NULL DEFAULT 0             -- compare-and-set; counts the transitions
) WITH (fillfactor = 50);
-- No index on due_at: every message moves it, and without one the update stays inside its page. The
-- sweep reads the whole table, which has one short row a device.

CREATE TABLE device_transition (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  integer NOT NULL REFERENCES device ON DELETE CASCADE,
    from_state text NOT NULL CHECK (from_state IN ('up', 'down', 'unwatched')),
    to_state   text NOT NULL CHECK (to_state IN ('up', 'down', 'unwatched')),
    at         timestamptz NOT NULL,
    cause      text NOT NULL,
    detail     text NOT NULL DEFAULT '',
    component  text NOT NULL DEFAULT '',
    version    bigint NOT NULL,                        -- of the status it made
    recorded_at timestamptz NOT NULL,
    CHECK (from_state <> to_state),
    UNIQUE (device_id, version)
);
CREATE INDEX device_transition_device_at ON device_transition (device_id, at);
CREATE INDEX device_transition_at ON device_transition (at);

-- A collector says that it is watching. A device is down only if somebody was there to hear it.
CREATE TABLE collector_watch (
    collector      text PRIMARY KEY,
    watching_since timestamptz NOT NULL,
    beat_at        timestamptz NOT NULL
);
