-- One open alert a fault. States after ISA-18.2.

CREATE TABLE alert (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id       integer NOT NULL REFERENCES device ON DELETE CASCADE,
    component       text NOT NULL,
    fault_class     text NOT NULL,
    state           text NOT NULL CHECK (state IN (
                        'unacknowledged', 'acknowledged', 'returned_unacknowledged', 'normal')),
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    origin          text NOT NULL CHECK (origin IN ('transition', 'event', 'threshold', 'prediction')),
    rule            text NOT NULL,
    message         jsonb NOT NULL,                    -- a text
    reasons         jsonb NOT NULL DEFAULT '[]',       -- a list of texts
    probability     real,
    active          boolean NOT NULL DEFAULT true,     -- the condition still holds
    opened_at       timestamptz NOT NULL,
    last_sign_at    timestamptz NOT NULL,
    foretold_until  timestamptz,                       -- a failure is foretold until then
    signs           integer NOT NULL DEFAULT 1,
    closed_at       timestamptz
);
CREATE UNIQUE INDEX alert_open_fault ON alert (device_id, component, fault_class)
    WHERE closed_at IS NULL;
CREATE INDEX alert_opened ON alert (opened_at);

-- What holds an alert active, one row a rule. When none is left the alert has returned.
CREATE TABLE alert_condition (
    alert_id   bigint NOT NULL REFERENCES alert ON DELETE CASCADE,
    rule       text NOT NULL,
    origin     text NOT NULL,
    failed     boolean NOT NULL,                       -- it says that the component has failed
    since      timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    expires_at timestamptz,                            -- over by then unless the sign is repeated
    calm       integer NOT NULL DEFAULT 0,             -- scorings in a row far below the threshold
    PRIMARY KEY (alert_id, rule)
);
CREATE INDEX alert_condition_expires ON alert_condition (expires_at);

-- How far the rules that look at series have come.
CREATE TABLE alert_cursor (
    name text PRIMARY KEY,
    at   timestamptz NOT NULL
);

CREATE TABLE alert_transition (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id   bigint NOT NULL REFERENCES alert ON DELETE CASCADE,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    name       text NOT NULL,                          -- of the transition
    at         timestamptz NOT NULL,
    actor      text NOT NULL
);
CREATE INDEX alert_transition_alert ON alert_transition (alert_id);

-- Events and transitions that the alert rules have not seen yet. Written in the transaction that
-- stores the event, deleted in the one that judges it: none is missed, none is judged twice. (A
-- cursor over ids would miss rows of transactions that commit out of order.)
CREATE TABLE pending_sign (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN ('event', 'transition')),
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    at        timestamptz NOT NULL,
    component text NOT NULL DEFAULT '',
    code      text NOT NULL DEFAULT '',                -- of an event
    severity  text NOT NULL DEFAULT '',                -- of an event
    to_state  text NOT NULL DEFAULT '',                -- of a transition
    cause     text NOT NULL DEFAULT '',                -- of a transition
    detail    text NOT NULL DEFAULT ''                 -- of a transition
);
