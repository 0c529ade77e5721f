-- The bytes of each clock's attendance log as they came, so that whatever a decoder makes of them can
-- be made anew. Append-only segments: a log that grew by one punch costs one short row.
CREATE TABLE clock_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   integer NOT NULL REFERENCES device ON DELETE CASCADE,
    serial      text NOT NULL,
    began_at    timestamptz NOT NULL,
    taken_at    timestamptz NOT NULL,                  -- when it was last seen to have grown
    layout      text NOT NULL,
    claimed     integer NOT NULL,                      -- records that the clock said it holds
    length      bigint NOT NULL,
    sha256      text NOT NULL,                         -- of the whole
    replaced_at timestamptz                            -- null: the clock's log as it is
);
CREATE UNIQUE INDEX clock_log_current ON clock_log (device_id, serial) WHERE replaced_at IS NULL;
CREATE INDEX clock_log_replaced ON clock_log (device_id, serial, replaced_at);

CREATE TABLE clock_log_segment (
    log_id bigint NOT NULL REFERENCES clock_log ON DELETE CASCADE,
    start  bigint NOT NULL,                            -- its first byte's place in the log
    body   bytea NOT NULL,
    PRIMARY KEY (log_id, start)
);

-- Logs that were read before their bytes were kept are read once more, whole.
UPDATE clock_poll SET known = known - 'length' - 'sha256', log_read_at = NULL;

ALTER TABLE clock_poll
    ADD COLUMN transport text NOT NULL DEFAULT 'tcp' CHECK (transport IN ('tcp', 'udp')),
    ADD COLUMN live_capture boolean NOT NULL DEFAULT false,   -- is listened to: punches are read at once
    ADD COLUMN live_by text,
    ADD COLUMN live_until timestamptz,                 -- nobody else listens, or tries to, before
    ADD COLUMN hinted boolean NOT NULL DEFAULT false,  -- it told something since its poll was claimed
    ADD COLUMN stranger text NOT NULL DEFAULT '';      -- another device's serial number that answered last
CREATE INDEX clock_poll_leased ON clock_poll (leased_until) WHERE leased_until IS NOT NULL;

-- How many of a site's clocks may be polled at once, by all pollers together: its line may be thin.
ALTER TABLE site ADD COLUMN poll_limit integer NOT NULL DEFAULT 4 CHECK (poll_limit > 0);

-- When people punch at a clock, learnt from its own weeks; and its silence, once it was told.
CREATE TABLE punch_pattern (
    device_id    integer PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    made_at      timestamptz NOT NULL,
    expected     real[] NOT NULL,                      -- punches at least, by hour of the week from Monday; empty: not known
    silent_since timestamptz                           -- its last punch before the silence
);
