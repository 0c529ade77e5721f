-- What failed, what was repaired, and what the models foretell of it.

CREATE TABLE failure (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   integer NOT NULL REFERENCES device ON DELETE CASCADE,
    component   text NOT NULL,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,                  -- known from then on, not before
    source      text NOT NULL,                         -- history, event, transition, ticket
    UNIQUE (device_id, component, at)
);

CREATE TABLE maintenance (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id   integer NOT NULL REFERENCES device ON DELETE CASCADE,
    component   text NOT NULL,
    action      text NOT NULL,                         -- replaced, repaired, cleaned, ...
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    source      text NOT NULL,
    UNIQUE (device_id, component, action, at)
);

-- History folders that were imported: the same folder is refused a second time.
CREATE TABLE history_import (
    digest      text PRIMARY KEY,
    folder      text NOT NULL,
    imported_at timestamptz NOT NULL,
    counts      jsonb NOT NULL
);

CREATE TABLE model (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task           text NOT NULL,                      -- kind of device and component
    stage          text NOT NULL CHECK (stage IN ('candidate', 'champion', 'retired')),
    trained_at     timestamptz NOT NULL,
    train_from     timestamptz NOT NULL,
    train_until    timestamptz NOT NULL,
    test_from      timestamptz,
    test_until     timestamptz,
    horizon_h      real NOT NULL,
    feature_schema text NOT NULL,                      -- hash of the feature table
    threshold      real NOT NULL,
    metrics        jsonb NOT NULL,
    settings       jsonb NOT NULL,                     -- costs and what else decided the threshold
    artifact       bytea NOT NULL,                     -- skops
    artifact_sha256 text NOT NULL
);
CREATE UNIQUE INDEX model_champion ON model (task) WHERE stage = 'champion';

CREATE TABLE prediction (
    at          timestamptz NOT NULL,
    device_id   integer NOT NULL,
    component   text NOT NULL,
    model_id    integer NOT NULL,
    horizon_h   real NOT NULL,
    probability real NOT NULL,
    threshold   real NOT NULL,
    reasons     jsonb NOT NULL                         -- a list of texts
) /* series */;
CREATE INDEX prediction_device_at ON prediction (device_id, component, at);
