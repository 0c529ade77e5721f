-- Models in service: challengers beside champions, what the gate said, and whether they still fit.

ALTER TABLE model DROP CONSTRAINT model_stage_check;
ALTER TABLE model ADD CONSTRAINT model_stage_check
    CHECK (stage IN ('candidate', 'challenger', 'champion', 'retired'));
ALTER TABLE model
    ADD COLUMN promoted_at  timestamptz,               -- took charge; null: never, or taken back
    ADD COLUMN scored_at    timestamptz,               -- last time that it was asked
    ADD COLUMN gate         jsonb NOT NULL DEFAULT '{}',   -- what the gate said, and why
    ADD COLUMN distribution jsonb NOT NULL DEFAULT '{}';   -- of each feature, in what it learned from
UPDATE model SET promoted_at = trained_at WHERE stage IN ('champion', 'retired');
CREATE UNIQUE INDEX model_challenger ON model (task) WHERE stage = 'challenger';

-- Probabilities of failing within 1, 3, 7 and 30 days; empty: not said.
ALTER TABLE prediction ADD COLUMN curve real[] NOT NULL DEFAULT '{}';

-- What challengers foretell. A table of its own: nothing that acts on predictions can meet it.
CREATE TABLE shadow_prediction (
    at          timestamptz NOT NULL,
    device_id   integer NOT NULL,
    component   text NOT NULL,
    model_id    integer NOT NULL,
    horizon_h   real NOT NULL,
    probability real NOT NULL,
    threshold   real NOT NULL,
    reasons     jsonb NOT NULL,
    curve       real[] NOT NULL
) /* series */;
CREATE INDEX shadow_prediction_device_at ON shadow_prediction (device_id, component, at);

-- Whether a model still fits the fleet it speaks of: one row a look.
CREATE TABLE model_check (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id integer NOT NULL REFERENCES model ON DELETE CASCADE,
    kind     text NOT NULL,                            -- usable, inputs, calibration, tickets
    at       timestamptz NOT NULL,
    value    double precision,                         -- null: too little was seen to say
    bound    double precision,                         -- beyond which it alarms
    alarmed  boolean NOT NULL,
    detail   jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX model_check_newest ON model_check (model_id, kind, at DESC);
