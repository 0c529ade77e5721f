-- What leaves the house: told in the transaction that changes a case, sent by workers.

-- Something happened to a case. Deleted once it is planned: the case's own history is the record.
CREATE TABLE announcement (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    text NOT NULL,                             -- alerts.outbox.Topic
    subject text NOT NULL,                             -- such as alert/17 or ticket/9
    at      timestamptz NOT NULL,
    data    jsonb NOT NULL DEFAULT '{}'
);
