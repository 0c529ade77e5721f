-- What leaves the house: told in the transaction that changes a case, sent by workers.

-- Something happened to a case. Deleted once it is planned: the case's own history is the record.
CREATE TABLE announcement (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    text NOT NULL,                             -- alerts.outbox.Topic
    subject text NOT NULL,                             -- such as alert/17 or ticket/9
    at      timestamptz NOT NULL,
    data    jsonb NOT NULL DEFAULT '{}'
);

-- People are being told of a case: how far the escalation has come. One row an episode.
CREATE TABLE notice (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject         text NOT NULL,
    route           text NOT NULL,                     -- of the policy, by name
    began_at        timestamptz NOT NULL,
    step            integer NOT NULL DEFAULT 0,        -- the next one to take
    stepped_at      timestamptz,                       -- when the last one was taken
    next_at         timestamptz,                       -- when; null: nothing is to be done
    acknowledged_at timestamptz,
    muted_at        timestamptz,                       -- shelved, suppressed or part of a batch
    returned_at     timestamptz,
    ended_at        timestamptz
);
CREATE UNIQUE INDEX notice_open ON notice (subject) WHERE ended_at IS NULL;
CREATE INDEX notice_due ON notice (next_at) WHERE ended_at IS NULL;

-- One message to one receiver. What is told of one subject through one channel stays in order.
CREATE TABLE delivery (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL UNIQUE,                 -- the receiver may know a repetition by it
    channel      text NOT NULL,
    subject      text NOT NULL,
    person       text NOT NULL DEFAULT '',             -- of the policy; '': the channel itself
    notice_id    bigint REFERENCES notice ON DELETE SET NULL,
    content      jsonb NOT NULL,                       -- holds no secret
    made_at      timestamptz NOT NULL,                 -- by the fleet's clock
    not_before   timestamptz,                          -- likewise: held back until then
    state        text NOT NULL DEFAULT 'waiting'
                 CHECK (state IN ('waiting', 'sent', 'dead')),
    attempts     integer NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL,                 -- by the wall's, as all that follows
    leased_until timestamptz,
    ended_at     timestamptz,
    last_error   text NOT NULL DEFAULT ''
);
CREATE INDEX delivery_due ON delivery (channel, next_at, id) WHERE state = 'waiting';
CREATE INDEX delivery_order ON delivery (channel, subject, person, id) WHERE state = 'waiting';
CREATE INDEX delivery_dead ON delivery (id) WHERE state = 'dead';
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE state <> 'waiting';
CREATE INDEX delivery_notice ON delivery (notice_id);

-- When an Alertmanager is next told of all that is active, and when a ticket system is next asked
-- for changes, by the wall's clock.
CREATE TABLE feed_turn (
    name    text PRIMARY KEY,
    next_at timestamptz NOT NULL,
    done_at timestamptz                                -- asked with success, as of
);

-- A ticket in somebody else's ticket system, and how both stood when they were last held together.
CREATE TABLE ticket_sync (
    ticket_id   bigint NOT NULL REFERENCES ticket ON DELETE CASCADE,
    system      text NOT NULL,                         -- of the settings, by name
    foreign_id  text NOT NULL,
    version     integer NOT NULL,                      -- of our ticket: told so far
    our_stage   text NOT NULL,
    their_stage text NOT NULL,
    notes_seen  text[] NOT NULL DEFAULT '{}',          -- theirs, that we have taken
    synced_at   timestamptz NOT NULL,                  -- by the wall's clock
    PRIMARY KEY (ticket_id, system),
    UNIQUE (system, foreign_id)
);
