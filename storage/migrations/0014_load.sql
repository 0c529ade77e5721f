-- The topics, cut into shards that collectors share. A shard is one persistent session on the
-- broker; who holds the lease may open it. Empty name: one shard with everything.
CREATE TABLE collector_shard (
    name         text PRIMARY KEY,
    filters      text[] NOT NULL,                      -- as last set; empty: all
    owner        text,
    leased_until timestamptz
);

-- Collectors that are alive: as many share the shards.
CREATE TABLE collector_worker (
    owner        text PRIMARY KEY,
    joined_at    timestamptz NOT NULL,
    leased_until timestamptz NOT NULL
);

-- How messages flow through a collector, as of its last beat; null: it does not say.
ALTER TABLE collector_watch
    ADD COLUMN in_flight integer,                      -- taken and not acknowledged yet
    ADD COLUMN oldest_s  real,                         -- wall seconds that the oldest of them waits
    ADD COLUMN wait_s    real,                         -- longest from received to committed, last beat
    ADD COLUMN age_s     real;                         -- median from the device's time to committed
