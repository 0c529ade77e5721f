-- One open ticket a fault; its history is append-only and the ticket is its fold.

CREATE TABLE ticket (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   integer NOT NULL REFERENCES device,
    component   text NOT NULL,
    fault_class text NOT NULL,
    alert_id    bigint REFERENCES alert ON DELETE SET NULL,
    origin      text NOT NULL CHECK (origin IN (
                    'prediction', 'rule', 'device', 'phone', 'portal', 'api')),
    state       text NOT NULL,
    severity    text NOT NULL,
    title       jsonb NOT NULL,                        -- a text
    assignee_id integer REFERENCES engineer,
    repeat_of   bigint REFERENCES ticket,              -- the closed case of the same fault before it
    opened_at   timestamptz NOT NULL,
    predicted_at timestamptz,                          -- when a prediction first spoke of it
    failed_at   timestamptz,                           -- when the device failed, if it did
    returned_at timestamptz,                           -- when the fault's signs went away, if they did
    closed_at   timestamptz,
    version     integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX ticket_open_fault ON ticket (device_id, component, fault_class)
    WHERE closed_at IS NULL;
CREATE INDEX ticket_opened ON ticket (opened_at);
CREATE INDEX ticket_device ON ticket (device_id);

CREATE TABLE ticket_event (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id bigint NOT NULL REFERENCES ticket,
    version   integer NOT NULL,                        -- of the ticket it made
    at        timestamptz NOT NULL,
    kind      text NOT NULL,                           -- desk.case.Kind
    actor     text NOT NULL,
    from_state text NOT NULL DEFAULT '',
    to_state  text NOT NULL DEFAULT '',
    data      jsonb NOT NULL DEFAULT '{}',
    UNIQUE (ticket_id, version)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER ticket_event_append_only BEFORE UPDATE OR DELETE ON ticket_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
