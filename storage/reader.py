"""A role of the database that can only look: for notebooks and other people's tools.

What it may see is listed here, so that a new table is closed until somebody decides. Accounts, tokens,
sessions, logins, keys of clocks, punches, messages and who called from which number are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from domain.errors import ConfigurationError, NotAllowedError
from storage.database import Conn, Database
from storage.queries import load

READER = "forecall_reader"

OPEN = (
    "alert", "alert_condition", "alert_transition", "anomaly", "batch", "collector_watch", "consumable",
    "consumable_change", "contract", "customer", "device", "device_event", "device_group",
    "device_group_size", "device_parent", "device_place", "device_place_past", "device_status",
    "device_stay_past", "device_transition", "engineer", "failure", "fleet_level", "history_import",
    "maintenance", "metric", "model", "model_check", "parent", "plan_book", "prediction",
    "prediction_draw", "reading", "review_dispute", "review_month", "rollup_hourly", "rule_book",
    "rule_book_in_force", "schema_migration", "shadow_prediction", "simulated_clock", "site_care",
    "site_care_past", "site_of_ticket", "sla_watch", "suppression", "ticket", "ticket_event", "unknown_code",
    "warranty",
)  # fmt: skip
"""Tables and views that may be read whole."""

IN_PART: Mapping[str, tuple[str, ...]] = {
    "site": (
        "id", "key", "name", "customer_id", "engineer_id", "city", "region_class", "time_zone",
        "engineer_since", "disabled_at",
    ),
    "call": ("id", "at", "channel", "site_id", "device_id", "ticket_id", "repeat_of"),
    "clock_poll": ("device_id", "interval_s", "next_poll_at", "failures", "failing_since", "errors"),
    "hold_out": ("id", "at", "actor", "share", "below", "spared"),
}  # fmt: skip
"""Tables of which only these columns may be read: no telephone numbers, callers, addresses, keys, salts."""

_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "10min",
}


def make_reader(database: Database, name: str, password: str) -> bool:
    """Makes the role, or brings its password and what it may see up to date; says whether it is new.

    Without a password it can log in only where the server trusts who connects (the embedded server's
    socket, `peer`). Raises NotAllowedError where this login may not make roles, ConfigurationError
    where the name is taken by a role that may do more.
    """
    try:
        with database.transaction() as conn:
            new = _ensure(conn, name)
            _grant(conn, sql.Identifier(name))
            _log_in(conn, sql.Identifier(name), password)
            return new
    except (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.ReadOnlySqlTransaction,  # it is the reader itself
    ) as error:
        raise NotAllowedError(
            f"this login may not make the role {name}: have it made by one that has CREATEROLE ({error})"
        ) from error


def _ensure(conn: Conn, name: str) -> bool:
    row = conn.execute(load("reader")["role"], {"name": name}).fetchone()
    if row is None:
        conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
        return True
    if row["powerful"]:
        raise ConfigurationError(
            f"role {name}: it owns things or may do more than look; take another name"
        )
    return False


def _grant(conn: Conn, role: sql.Identifier) -> None:
    """What was granted before and is not listed any more is taken back."""
    conn.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role))
    conn.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    tables = sql.SQL(", ").join(map(sql.Identifier, OPEN))
    conn.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(tables, role))
    for table, columns in IN_PART.items():
        conn.execute(
            sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), role
            )
        )


def _log_in(conn: Conn, role: sql.Identifier, password: str) -> None:
    word = sql.Literal(password) if password else sql.SQL("NULL")
    conn.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, word))
    for name, value in _SETTINGS.items():
        conn.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                role, sql.Identifier(name), sql.Literal(value)
            )
        )
