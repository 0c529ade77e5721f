-- One cause, one alert; what is held back, by whom and why; and how long an alert's news may wait.

-- What devices hang on: a router, a switch, a network segment, a power feed.
CREATE TABLE parent (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text NOT NULL UNIQUE,
    kind        text NOT NULL CHECK (kind IN ('router', 'switch', 'segment', 'power')),
    name        text NOT NULL,
    device_id   integer UNIQUE REFERENCES device ON DELETE CASCADE,   -- it is itself watched
    declared_at timestamptz NOT NULL,
    declared_by text NOT NULL
);
CREATE TABLE device_parent (
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    parent_id integer NOT NULL REFERENCES parent ON DELETE CASCADE,
    PRIMARY KEY (device_id, parent_id)
);
CREATE INDEX device_parent_parent ON device_parent (parent_id);

-- Devices that went down together again and again: perhaps they hang on one thing.
CREATE TABLE parent_proposal (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_ids  integer[] NOT NULL UNIQUE,             -- increasing
    together    integer NOT NULL,                      -- so often, at the least, two of them
    share       real NOT NULL,                         -- of their outages, at the least
    since       timestamptz NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_at  timestamptz,
    decided_by  text NOT NULL DEFAULT '',
    parent_id   integer REFERENCES parent ON DELETE SET NULL   -- as which it was accepted
);

-- What devices have in common that may fail for all of them: each line one group of a device.
CREATE VIEW device_group (device_id, kind, key, name) AS
SELECT device.id, shared.kind, shared.key, shared.name
FROM device
LEFT JOIN site ON site.id = device.site_id
CROSS JOIN LATERAL (VALUES
    ('site', site.key, site.name),
    ('firmware', CASE WHEN firmware <> '' THEN device.kind || '/' || model || '/' || firmware END,
     model || ' ' || firmware),
    ('model', CASE WHEN model <> '' THEN device.kind || '/' || model END, model),
    ('fleet', '', '')
) AS shared (kind, key, name)
WHERE device.adopted_at IS NOT NULL AND shared.key IS NOT NULL
UNION ALL
SELECT tied.device_id, parent.kind, parent.key, parent.name
FROM (
    SELECT device_id, parent_id FROM device_parent
    UNION
    SELECT device_id, id FROM parent WHERE device_id IS NOT NULL
) AS tied
JOIN parent ON parent.id = tied.parent_id
JOIN device ON device.id = tied.device_id AND device.adopted_at IS NOT NULL;

-- States after ISA-18.2. A batch's own alert has no device.
ALTER TABLE alert
    ALTER COLUMN device_id DROP NOT NULL,
    DROP CONSTRAINT alert_state_check,
    ADD CONSTRAINT alert_state_check CHECK (state IN (
        'unacknowledged', 'acknowledged', 'returned_unacknowledged', 'normal', 'shelved',
        'suppressed', 'out_of_service')),
    DROP CONSTRAINT alert_origin_check,
    ADD CONSTRAINT alert_origin_check CHECK (origin ~ '^[a-z_]+$'),   -- alerts.sign.Origin, batch
    ADD COLUMN batch_id       bigint,                  -- the batch that it is, or last was, part of; no
                                                       -- key: a hundred thousand join at once
    ADD COLUMN batch_since    timestamptz,
    ADD COLUMN batch_until    timestamptz,             -- null: still part of it
    ADD COLUMN wants_case     boolean NOT NULL DEFAULT false,   -- a ticket, as soon as nothing holds it back
    ADD COLUMN held_until     timestamptz,             -- its news waits till then; null: nothing waits
    ADD COLUMN told_at        timestamptz,             -- when people were told that it is active
    ADD COLUMN flapping_since timestamptz;
CREATE INDEX alert_held ON alert (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX alert_batch ON alert (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX alert_flapping ON alert (flapping_since) WHERE flapping_since IS NOT NULL;

-- Conditions that nothing but an end ends need no place in it.
DROP INDEX alert_condition_expires;
CREATE INDEX alert_condition_expires ON alert_condition (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE alert_transition ADD COLUMN cause jsonb;   -- a text; null: the name says it

-- A cause that many devices share; its id is that of its own alert.
CREATE TABLE batch (
    id            bigint PRIMARY KEY REFERENCES alert ON DELETE CASCADE,
    kind          text NOT NULL,                       -- of the group: site, router, firmware, ...
    key           text NOT NULL,
    name          text NOT NULL,
    signature     text NOT NULL,                       -- what they suffer from: `down`, or rule and component
    site_id       integer REFERENCES site ON DELETE SET NULL,   -- where most members stand
    first_at      timestamptz NOT NULL,                -- of its members' faults
    recognised_at timestamptz NOT NULL,
    grown_at      timestamptz NOT NULL,                -- the last member joined
    eased_at      timestamptz,                         -- the last member returned
    ended_at      timestamptz,
    members       integer NOT NULL DEFAULT 0,          -- so many in all
    active        integer NOT NULL DEFAULT 0,          -- so many still, as of the last look
    evidence      jsonb NOT NULL,                      -- alerts.correlation.Evidence
    absorbed_by   bigint REFERENCES batch
);
CREATE UNIQUE INDEX batch_open ON batch (kind, key, signature) WHERE ended_at IS NULL;

-- How many devices of each group could have a fault, and how many they had in the last 30 days; counted
-- anew every few minutes, since that reads the whole fleet.
CREATE TABLE device_group_size (
    kind       text NOT NULL,
    key        text NOT NULL,
    devices    integer NOT NULL,
    past       integer NOT NULL,
    counted_at timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);

-- What holds tickets and notifications back: a shelf (one fault), a maintenance window, out of service.
CREATE TABLE suppression (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('shelf', 'window', 'out_of_service')),
    device_id   integer REFERENCES device ON DELETE CASCADE,
    component   text,                                  -- of a shelf
    fault_class text,                                  -- of a shelf
    site_id     integer REFERENCES site ON DELETE CASCADE,
    customer_id integer REFERENCES customer ON DELETE CASCADE,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz,                           -- null: until somebody ends it
    reason      text NOT NULL,
    actor       text NOT NULL,
    made_at     timestamptz NOT NULL,
    ended_at    timestamptz,                           -- before its time, by a person
    ended_by    text NOT NULL DEFAULT '',
    CHECK (num_nonnulls(device_id, site_id, customer_id) = 1),
    CHECK ((kind = 'shelf') = (component IS NOT NULL AND fault_class IS NOT NULL)),
    CHECK (kind = 'window' OR device_id IS NOT NULL),
    CHECK ((kind = 'out_of_service') = (ends_at IS NULL)),
    CHECK (ends_at > starts_at)
);
CREATE INDEX suppression_open ON suppression (starts_at, ends_at) WHERE ended_at IS NULL;

-- The one ticket of a batch.
ALTER TABLE ticket
    ALTER COLUMN device_id DROP NOT NULL,
    ADD COLUMN batch_id bigint REFERENCES batch,
    DROP CONSTRAINT ticket_origin_check,
    ADD CONSTRAINT ticket_origin_check CHECK (origin IN (
        'prediction', 'rule', 'device', 'batch', 'inspection', 'phone', 'portal', 'api'));
CREATE UNIQUE INDEX ticket_open_batch ON ticket (batch_id)
    WHERE closed_at IS NULL AND batch_id IS NOT NULL;
