-- Closed months of the staff's review, and what people disputed of it.

CREATE TABLE review_month (
    month         date NOT NULL,                       -- its first day
    version       integer NOT NULL,
    time_zone     text NOT NULL,                       -- where its first second is
    closed_at     timestamptz NOT NULL,
    closed_by     text NOT NULL,
    reason        text NOT NULL,                       -- why it was closed again; empty: the first time
    rules         text NOT NULL,                       -- the whole file
    evidence      bytea NOT NULL,                      -- kpi.staff.review.Evidence as JSON
    reviews       bytea NOT NULL,                      -- a review by each group, as JSON
    reviews_sha256 text NOT NULL,
    PRIMARY KEY (month, version)
);
CREATE TRIGGER review_month_append_only BEFORE UPDATE OR DELETE ON review_month
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Somebody says that a case, or a stretch of downtime, should not count against them.
CREATE TABLE review_dispute (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id  bigint REFERENCES ticket,
    device_id  integer REFERENCES device,
    starts_at  timestamptz,
    ends_at    timestamptz,
    reason     text NOT NULL,
    raised_at  timestamptz NOT NULL,
    raised_by  text NOT NULL,
    decided_at timestamptz,
    decided_by text,
    accepted   boolean,
    answer     text,
    CHECK ((ticket_id IS NULL) = (device_id IS NOT NULL)),
    CHECK ((device_id IS NULL) = (starts_at IS NULL) AND (device_id IS NULL) = (ends_at IS NULL)),
    CHECK (ends_at > starts_at),
    CHECK (num_nulls(decided_at, decided_by, accepted, answer) IN (0, 4))
);
CREATE INDEX review_dispute_ticket ON review_dispute (ticket_id) WHERE accepted;
CREATE INDEX review_dispute_device ON review_dispute (device_id, starts_at) WHERE accepted;
