-- Who may use the console, who is in, and who did what. These times are the wall's, always.

CREATE TABLE account (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    password_hash text NOT NULL,                       -- argon2id
    role          text NOT NULL CHECK (role IN ('viewer', 'operator', 'manager', 'administrator')),
    locale        text NOT NULL DEFAULT 'en',
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz
);

CREATE TABLE account_session (
    token_sha256 text PRIMARY KEY,
    account_id   integer NOT NULL REFERENCES account ON DELETE CASCADE,
    csrf_token   text NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);

CREATE TABLE audit_entry (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_entry_at ON audit_entry (at);
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
