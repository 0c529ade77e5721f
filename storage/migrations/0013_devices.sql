-- How a device is heard, and as whom it logs in to a broker.

-- The topic, without its last level, or the address that it is heard by.
ALTER TABLE device ADD COLUMN found_via text NOT NULL DEFAULT '';

-- One login a device and kind of broker. Only a hash of the password is kept, in the words of that
-- broker. A revoked one stays, so that its name is taken out of the broker's files.
CREATE TABLE device_login (
    device_id     integer NOT NULL REFERENCES device ON DELETE CASCADE,
    broker        text NOT NULL CHECK (broker IN ('mosquitto', 'nats')),
    username      text NOT NULL,
    password_hash text NOT NULL,
    publishes     text[] NOT NULL DEFAULT '{}',        -- topics of its own, beside the usual ones
    made_at       timestamptz NOT NULL,                -- the wall's
    revoked_at    timestamptz,                         -- the wall's
    PRIMARY KEY (device_id, broker),
    UNIQUE (broker, username)
);
