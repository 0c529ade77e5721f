-- Reports that were made: kept as they were, with the figures that they were made of.

-- What a report says, before it has a language or a format. The same figures are kept once.
CREATE TABLE report_figures (
    sha256  text PRIMARY KEY,                          -- of `figures`
    figures bytea NOT NULL                             -- kpi.reports.archive.figures
);
CREATE TRIGGER report_figures_append_only BEFORE UPDATE OR DELETE ON report_figures
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE report (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL,                      -- kpi.reports.registry
    period         text NOT NULL,                      -- such as 2026-Q3, 1405-08 or 2026-11-01..2026-11-15
    time_zone      text NOT NULL,                      -- whose days are counted
    customer       text,                               -- key; null: the whole fleet
    language       text NOT NULL,                      -- en, zh, fa
    format         text NOT NULL,                      -- pdf, html, xlsx
    made_at        timestamptz NOT NULL,               -- the moment of which the figures are
    made_by        text NOT NULL,
    figures_sha256 text NOT NULL REFERENCES report_figures,
    file_sha256    text NOT NULL,
    size           integer NOT NULL,                   -- of `file`, in bytes
    file           bytea NOT NULL
);
CREATE INDEX report_newest ON report (kind, customer, id DESC);
CREATE TRIGGER report_append_only BEFORE UPDATE OR DELETE ON report
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Reports of the schedule that were made. Whoever writes the row makes the report, in one transaction.
CREATE TABLE report_turn (
    entry    text NOT NULL,                            -- of the schedule, by name
    period   text NOT NULL,
    customer text NOT NULL,                            -- key; '': the whole fleet
    first    date NOT NULL,                            -- the period's first day
    due_at   timestamptz NOT NULL,
    done_at  timestamptz NOT NULL,
    PRIMARY KEY (entry, period, customer)
);
