-- Whose devices they are, where they stand, and who looks after them.

CREATE TABLE customer (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key  text NOT NULL UNIQUE,
    name text NOT NULL
);

CREATE TABLE engineer (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key    text NOT NULL UNIQUE,
    name   text NOT NULL,
    region text NOT NULL DEFAULT ''
);

CREATE TABLE site (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL UNIQUE,
    name         text NOT NULL,
    customer_id  integer NOT NULL REFERENCES customer,
    engineer_id  integer REFERENCES engineer,          -- whose care its devices are in
    city         text NOT NULL DEFAULT '',
    region_class text NOT NULL DEFAULT 'urban'
                 CHECK (region_class IN ('urban', 'suburban', 'other_city')),
    time_zone    text NOT NULL DEFAULT 'UTC'
);

CREATE TABLE device (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL UNIQUE,                 -- its name in its own protocol
    site_id      integer REFERENCES site,              -- null: not known where it stands
    kind         text NOT NULL,
    model        text NOT NULL DEFAULT '',
    firmware     text NOT NULL DEFAULT '',
    serial       text NOT NULL DEFAULT '',
    installed_on date,
    attributes   jsonb NOT NULL DEFAULT '{}',
    simulated    boolean NOT NULL DEFAULT false,
    adopted_at   timestamptz                           -- null: found, not adopted
);
CREATE INDEX device_site ON device (site_id);

-- Clocks that are polled. `next_poll_at` and the lease are how pollers share the fleet.
CREATE TABLE clock_poll (
    device_id     integer PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    host          text NOT NULL,
    port          integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    comm_key      integer NOT NULL DEFAULT 0,
    interval_s    real NOT NULL DEFAULT 300 CHECK (interval_s > 0),
    next_poll_at  timestamptz NOT NULL,
    leased_until  timestamptz,
    leased_by     text,
    failures      integer NOT NULL DEFAULT 0,          -- in a row
    failing_since timestamptz,                         -- the first of them
    errors        integer NOT NULL DEFAULT 0,          -- failed polls, ever
    last_error    text NOT NULL DEFAULT '',
    serial        text NOT NULL DEFAULT '',            -- of the clock that answered last
    known         jsonb NOT NULL DEFAULT '{}',         -- of its logs, since they were last read
    log_read_at   timestamptz
);
CREATE INDEX clock_poll_due ON clock_poll (next_poll_at);

-- One row when the time is simulated: what the processes of a demo share.
CREATE TABLE simulated_clock (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch      timestamptz NOT NULL,
    wall_epoch timestamptz NOT NULL,
    speed      double precision NOT NULL CHECK (speed > 0),
    reached_at timestamptz                             -- lived through so far; a later start goes on there
);
