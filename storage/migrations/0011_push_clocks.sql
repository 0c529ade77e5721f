-- Punches belong to the site where they were made: a clock that is moved or replaced leaves them there.
ALTER TABLE attendance_record ADD COLUMN site_id integer REFERENCES site;
UPDATE attendance_record AS record SET site_id = device.site_id
FROM device WHERE device.id = record.device_id;
CREATE INDEX attendance_record_site_at ON attendance_record (site_id, at);
CREATE INDEX attendance_record_unplaced ON attendance_record (device_id) WHERE site_id IS NULL;

-- Clocks that call us. One row a serial number, adopted or not.
CREATE TABLE push_clock (
    device_id     integer PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    serial        text NOT NULL UNIQUE,
    address       text NOT NULL DEFAULT '',            -- it called from there first
    first_seen_at timestamptz NOT NULL,
    heard_at      timestamptz,                         -- its last contact that was stored
    greeted_at    timestamptz,                         -- told its options since adoption; null: not yet
    told_offset_s integer,                             -- the UTC offset it was told; null: none
    push_version  text NOT NULL DEFAULT '',
    stamps        jsonb NOT NULL DEFAULT '{}',         -- table -> how far it was taken in
    options       jsonb NOT NULL DEFAULT '{}',
    counts        jsonb NOT NULL DEFAULT '{}',         -- operations taken in, by metric
    last_errors   text NOT NULL DEFAULT '',            -- digest of the error batch taken in last
    seq           bigint NOT NULL DEFAULT 0            -- of the reports made of its calls
);
CREATE INDEX push_clock_address ON push_clock (address, first_seen_at);

-- What a clock is asked: reads only.
CREATE TABLE push_command (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   integer NOT NULL REFERENCES device ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN ('INFO', 'CHECK', 'LOG', 'QUERY', 'VERIFY')),
    first_local timestamp,                             -- of QUERY and VERIFY: punches from here
    last_local  timestamp,                             -- up to and with here
    asked_by    text NOT NULL,
    queued_at   timestamptz NOT NULL,
    not_before  timestamptz NOT NULL,
    sent_at     timestamptz,
    answered_at timestamptz,
    return_code integer,
    answer      jsonb NOT NULL DEFAULT '{}',
    CHECK ((kind IN ('QUERY', 'VERIFY')) = (first_local IS NOT NULL AND last_local IS NOT NULL))
);
CREATE INDEX push_command_waiting ON push_command (device_id, id) WHERE sent_at IS NULL;
CREATE INDEX push_command_window ON push_command (device_id, first_local, last_local);

-- Operations, once each, with their multiplicity.
CREATE TABLE push_operation (
    device_id  integer NOT NULL REFERENCES device ON DELETE CASCADE,
    serial     text NOT NULL,
    local_time timestamp NOT NULL,
    kind       integer NOT NULL,
    details    text NOT NULL,                          -- operator and objects, as they came
    nth        integer NOT NULL,
    stored_at  timestamptz NOT NULL,
    PRIMARY KEY (serial, local_time, kind, details, nth)
);

-- What a clock says that it holds of a day, against what is stored.
CREATE TABLE attendance_check (
    device_id  integer NOT NULL REFERENCES device ON DELETE CASCADE,
    serial     text NOT NULL,
    day        date NOT NULL,                          -- by the clock's own calendar
    claimed    integer NOT NULL,
    stored     integer NOT NULL,
    rounds     integer NOT NULL DEFAULT 1,             -- how often it was asked
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (serial, day)
);
