-- What the devices said. `/* series */` becomes the engine's own way of cutting a table by time.

CREATE TABLE metric (
    id   smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('counter', 'gauge'))
);

CREATE TABLE reading (
    at          timestamptz NOT NULL,                  -- the device's time, unless its clock is far off
    received_at timestamptz NOT NULL,
    device_id   integer NOT NULL,
    metric_id   smallint NOT NULL,
    value       double precision NOT NULL
) /* series */;
CREATE INDEX reading_device_at ON reading (device_id, metric_id, at);

CREATE TABLE device_event (
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    device_id   integer NOT NULL,
    component   text NOT NULL,
    code        text NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    dialect     text NOT NULL DEFAULT '',
    raw_code    text NOT NULL DEFAULT ''
) /* series */;
CREATE INDEX device_event_device_at ON device_event (device_id, at);

-- One row a (device, metric, hour): enough for mean, spread, extremes and counter deltas.
CREATE TABLE rollup_hourly (
    hour      timestamptz NOT NULL,
    device_id integer NOT NULL,
    metric_id smallint NOT NULL,
    n         integer NOT NULL,
    total     double precision NOT NULL,
    squares   double precision NOT NULL,
    low       double precision NOT NULL,
    high      double precision NOT NULL,
    first     double precision NOT NULL,
    last      double precision NOT NULL,
    PRIMARY KEY (device_id, metric_id, hour)
) /* series */;

-- Hours whose readings changed since they were rolled up.
CREATE TABLE rollup_touched (
    device_id integer NOT NULL,
    hour      timestamptz NOT NULL,
    PRIMARY KEY (device_id, hour)
);

-- One row a device's boot: which of its messages are stored. Ranges, so that a boot of a million
-- messages in order takes one of them.
CREATE TABLE device_session (
    device_id  integer NOT NULL REFERENCES device ON DELETE CASCADE,
    boot_id    text NOT NULL,
    started_at timestamptz NOT NULL,
    seen       int8multirange NOT NULL,
    PRIMARY KEY (device_id, boot_id)
);

CREATE TABLE rejected_message (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    collector   text NOT NULL,
    source      text NOT NULL,                         -- topic or address
    body        bytea NOT NULL,
    reason      text NOT NULL
);
CREATE INDEX rejected_message_at ON rejected_message (received_at);

-- What each collector has taken in, counted in the transaction that stored it.
CREATE TABLE intake_count (
    collector text PRIMARY KEY,
    stored    bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    rejected  bigint NOT NULL DEFAULT 0
);

-- Punches. `nth` keeps multiplicity: two equal punches are two records.
CREATE TABLE attendance_record (
    device_id  integer NOT NULL REFERENCES device,
    serial     text NOT NULL,                          -- of the clock that recorded it
    user_ref   text NOT NULL,
    at         timestamptz NOT NULL,
    local_time timestamp NOT NULL,                     -- as the clock wrote it
    status     smallint NOT NULL,                      -- how: finger, card, PIN, face
    punch      smallint NOT NULL,                      -- what: in, out, break
    nth        integer NOT NULL DEFAULT 1,
    stored_at  timestamptz NOT NULL,
    PRIMARY KEY (serial, user_ref, local_time, status, punch, nth)
);
CREATE INDEX attendance_record_device_at ON attendance_record (device_id, at);
