-- Where devices stood and whose care sites were in before: uptime is asked of any period, and goes to
-- whoever had the device then. Only what is over is kept here; what holds now stands in its own row.

ALTER TABLE device ADD COLUMN placed_at timestamptz;          -- stands at its site since; null: always
ALTER TABLE site ADD COLUMN engineer_since timestamptz;       -- in that engineer's care since; null: always

CREATE TABLE device_place_past (
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    site_id   integer NOT NULL REFERENCES site,
    until_at  timestamptz NOT NULL,
    PRIMARY KEY (device_id, until_at)
);

CREATE TABLE site_care_past (
    site_id     integer NOT NULL REFERENCES site ON DELETE CASCADE,
    engineer_id integer REFERENCES engineer,           -- null: in nobody's
    until_at    timestamptz NOT NULL,
    PRIMARY KEY (site_id, until_at)
);

CREATE TABLE device_stay_past (
    device_id integer NOT NULL REFERENCES device ON DELETE CASCADE,
    from_at   timestamptz NOT NULL,                    -- adopted
    until_at  timestamptz NOT NULL,                    -- taken out of the fleet
    PRIMARY KEY (device_id, until_at)
);

-- Whoever changes the place says since when: the fleet's time is not the server's.
CREATE FUNCTION keep_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.placed_at IS NULL OR NEW.placed_at IS NOT DISTINCT FROM OLD.placed_at THEN
        RAISE EXCEPTION 'device %: moved without saying since when (placed_at)', OLD.key;
    END IF;
    INSERT INTO device_place_past VALUES (OLD.id, OLD.site_id, NEW.placed_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER device_place_kept AFTER UPDATE OF site_id ON device FOR EACH ROW
    WHEN (OLD.site_id IS NOT NULL AND OLD.site_id IS DISTINCT FROM NEW.site_id)
    EXECUTE FUNCTION keep_place();

CREATE FUNCTION keep_care() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.engineer_since IS NULL OR NEW.engineer_since IS NOT DISTINCT FROM OLD.engineer_since THEN
        RAISE EXCEPTION 'site %: handed over without saying since when (engineer_since)', OLD.key;
    END IF;
    INSERT INTO site_care_past VALUES (OLD.id, OLD.engineer_id, NEW.engineer_since);
    RETURN NULL;
END
$$;
CREATE TRIGGER site_care_kept AFTER UPDATE OF engineer_id ON site FOR EACH ROW
    WHEN (OLD.engineer_id IS DISTINCT FROM NEW.engineer_id)
    EXECUTE FUNCTION keep_care();
