-- Alert rules as data: which book was in force when, and what rules wait for.

-- Every book that was ever in force, whole: an alert can be traced to the text of its rule.
CREATE TABLE rule_book (
    digest text PRIMARY KEY,
    rules  jsonb NOT NULL                              -- a list of rules, in the order they are asked
);
CREATE TABLE rule_book_in_force (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest  text NOT NULL REFERENCES rule_book,
    at      timestamptz NOT NULL,
    source  text NOT NULL,                             -- the file that changed it, or `shipped`
    changes jsonb NOT NULL                             -- names of rules: added, changed, removed
);
CREATE INDEX rule_book_in_force_at ON rule_book_in_force (at);

-- A component in a state that is bad when it lasts: since when.
CREATE TABLE state_wait (
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    component text NOT NULL,
    rule      text NOT NULL,
    code      text NOT NULL,                           -- that said so last
    since     timestamptz NOT NULL,
    due_at    timestamptz NOT NULL,                    -- bad from then on
    PRIMARY KEY (device_id, component, rule)
);
CREATE INDEX state_wait_due ON state_wait (due_at);

-- Whether a rule that selects by one property of a device is meant for it: among those wanted (none:
-- any), and not among those refused.
CREATE FUNCTION rule_fits(wanted text[], refused text[], value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (wanted = '{}' OR value = ANY(wanted)) AND NOT value = ANY(refused)
$$;

-- When a supply began to end too early, and when it lasted again: `consumable` keeps only the newest.
CREATE TABLE consumable_change (
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    metric    text NOT NULL,
    at        timestamptz NOT NULL,
    component text NOT NULL,
    short     boolean NOT NULL,                        -- it may end before somebody comes by
    edge      real NOT NULL,
    early     timestamptz,
    PRIMARY KEY (device_id, metric, at)
);
CREATE INDEX consumable_change_at ON consumable_change (at);

CREATE FUNCTION keep_consumable_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO consumable_change (device_id, metric, at, component, short, edge, early)
    SELECT fresh.device_id, fresh.metric, fresh.at, fresh.component,
           coalesce(fresh.early < fresh.visit, false), fresh.edge, fresh.early
    FROM fresh
    LEFT JOIN LATERAL (
        SELECT short FROM consumable_change AS change
        WHERE change.device_id = fresh.device_id AND change.metric = fresh.metric
        ORDER BY change.at DESC LIMIT 1
    ) AS last ON true
    WHERE coalesce(fresh.early < fresh.visit, false) <> coalesce(last.short, false)
    ON CONFLICT (device_id, metric, at) DO UPDATE
    SET short = excluded.short, edge = excluded.edge, early = excluded.early;
    RETURN NULL;
END
$$;
CREATE TRIGGER consumable_began AFTER INSERT ON consumable
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION keep_consumable_changes();
CREATE TRIGGER consumable_changed AFTER UPDATE ON consumable
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION keep_consumable_changes();
