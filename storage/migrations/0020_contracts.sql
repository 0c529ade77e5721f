-- What was promised to whom, what it covers, and what is to be watched of it.

-- The plans and calendars in force, each time they changed. The first one counts since ever.
CREATE TABLE plan_book (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    in_force_at timestamptz NOT NULL,
    digest      text NOT NULL,
    tree        json NOT NULL                          -- whole, in its order: shipped plans too
);

CREATE TABLE contract (
    id                  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key                 text NOT NULL UNIQUE,
    customer_id         integer NOT NULL REFERENCES customer,
    site_id             integer REFERENCES site,       -- null: all sites of the customer
    plan                text NOT NULL,
    calendar            text,                          -- null: the plan's
    valid_from          date NOT NULL,                 -- in the site's time zone, like the end
    valid_until         date,                          -- its last day; null: no end is agreed
    price               text NOT NULL DEFAULT '',
    travel              text NOT NULL DEFAULT 'customer' CHECK (travel IN ('customer', 'provider')),
    free_support_months integer CHECK (free_support_months BETWEEN 0 AND 600), -- null: the plan's
    replacement         text NOT NULL DEFAULT 'included'
                        CHECK (replacement IN ('included', 'billable')),
    recorded_at         timestamptz NOT NULL,
    CHECK (valid_until >= valid_from)
);
CREATE UNIQUE INDEX contract_begins ON contract (customer_id, coalesce(site_id, 0), valid_from);

-- What differs for one device from installation and plan.
CREATE TABLE warranty (
    device_id           integer PRIMARY KEY REFERENCES device ON DELETE CASCADE,
    starts_on           date,                          -- null: the day it was installed
    months              integer CHECK (months BETWEEN 0 AND 600),              -- null: the plan's
    support_life_months integer CHECK (support_life_months BETWEEN 0 AND 600), -- null: the plan's
    voided_at           timestamptz,
    void_reason         text CHECK (void_reason IN ('seal_broken', 'impact', 'misuse')),
    CHECK ((voided_at IS NULL) = (void_reason IS NULL))
);

-- One row an open ticket: when its clocks have to be looked at again, and what is due next.
CREATE TABLE sla_watch (
    ticket_id bigint PRIMARY KEY REFERENCES ticket ON DELETE CASCADE,
    version   integer NOT NULL,                        -- of the ticket; another one: look again
    wake_at   timestamptz NOT NULL,
    due_at    timestamptz                              -- of the clock that runs out next
);
CREATE INDEX sla_watch_wake ON sla_watch (wake_at);

-- A warning and a breach are kept once a clock, whoever finds them.
CREATE UNIQUE INDEX ticket_event_sla_once ON ticket_event (ticket_id, kind, (data ->> 'clock'))
    WHERE kind IN ('sla_warning', 'sla_breach');
