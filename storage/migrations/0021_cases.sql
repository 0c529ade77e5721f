-- Calls, who looks after what, who may do what, and keys for programs and customers.

-- A ticket may be of a site, while it isn't known which device a call is about.
ALTER TABLE ticket ALTER COLUMN device_id DROP NOT NULL;
ALTER TABLE ticket
    ADD COLUMN site_id    integer REFERENCES site,
    ADD COLUMN resumes_to text,                        -- where the work goes on after a wait
    ADD COLUMN level      integer NOT NULL DEFAULT 0,  -- how often it was escalated
    ADD COLUMN finding    text CHECK (finding IN (
                   'worn', 'failed', 'no_fault_found', 'cannot_tell')),
    ADD COLUMN caused_by  text CHECK (caused_by IN ('device', 'user', 'staff', 'outside'));
ALTER TABLE ticket DROP CONSTRAINT ticket_origin_check;
ALTER TABLE ticket ADD CONSTRAINT ticket_origin_check CHECK (origin IN (
    'prediction', 'rule', 'device', 'batch', 'inspection', 'phone', 'portal', 'api'));
CREATE INDEX ticket_site ON ticket (site_id) WHERE site_id IS NOT NULL;
CREATE INDEX ticket_assignee_open ON ticket (assignee_id) WHERE closed_at IS NULL;

-- Every call, whatever became of it.
CREATE TABLE call (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL,
    channel   text NOT NULL CHECK (channel IN ('phone', 'portal', 'api')),
    caller    text NOT NULL DEFAULT '',
    phone     text NOT NULL DEFAULT '',                -- digits, and a plus in front
    words     text NOT NULL,
    site_id   integer REFERENCES site,
    device_id integer REFERENCES device ON DELETE SET NULL,
    ticket_id bigint NOT NULL REFERENCES ticket,
    repeat_of bigint REFERENCES call,                  -- the last call about the same, not long ago
    reference text,                                    -- the caller's own, which makes it one call
    taken_by  text NOT NULL,
    UNIQUE (channel, taken_by, reference)
);
CREATE INDEX call_ticket ON call (ticket_id);
CREATE INDEX call_site ON call (site_id, at);
CREATE INDEX call_device ON call (device_id, at);
CREATE INDEX call_phone ON call (phone, at) WHERE phone <> '';

-- By whom a customer is recognised who rings up.
ALTER TABLE customer ADD COLUMN disabled_at timestamptz, ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE site
    ADD COLUMN phone       text NOT NULL DEFAULT '',   -- digits, and a plus in front
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN version     integer NOT NULL DEFAULT 1;

-- Whom a ticket may go to, and who is told when a promise is about to be broken.
ALTER TABLE engineer
    ADD COLUMN skills      text[] NOT NULL DEFAULT '{}',  -- components or kinds; none: all
    ADD COLUMN shift_days  integer[] NOT NULL DEFAULT '{}',  -- ISO weekdays; none: every day
    ADD COLUMN shift_from  time,                       -- null: all day
    ADD COLUMN shift_until time,                       -- before shift_from: over midnight
    ADD COLUMN time_zone   text NOT NULL DEFAULT 'UTC',
    ADD COLUMN reports_to  integer REFERENCES engineer CHECK (reports_to <> id),
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN version     integer NOT NULL DEFAULT 1;

ALTER TABLE account DROP CONSTRAINT account_role_check;
ALTER TABLE account
    ADD CONSTRAINT account_role_check CHECK (role IN (
        'viewer', 'operator', 'dispatcher', 'engineer', 'manager', 'analyst', 'administrator')),
    ADD COLUMN engineer_id integer REFERENCES engineer, -- whose tickets an engineer's account sees
    ADD COLUMN version     integer NOT NULL DEFAULT 1;

-- Keys of programs. Only a hash is kept.
CREATE TABLE api_token (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    token_sha256 text NOT NULL UNIQUE,
    scopes       text[] NOT NULL,
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,                 -- the wall's, like the others
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

-- What a customer sees of one device without an account. Only a hash is kept.
CREATE TABLE customer_link (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id    integer NOT NULL REFERENCES device ON DELETE CASCADE,
    name         text NOT NULL,                        -- for whom it was made
    token_sha256 text NOT NULL UNIQUE,
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,                 -- the wall's, like the others
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX customer_link_device ON customer_link (device_id);
