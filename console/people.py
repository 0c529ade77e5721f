"""Accounts as administrators keep them: added, changed, disabled, given a new password."""

from __future__ import annotations

from console.accounts import check_role, create_account, set_password
from console.roles import Role
from desk.actions import audit
from domain.clock import SystemClock
from domain.errors import BadInputError, ChangedMeanwhileError, NotAllowedError, NotFoundError
from storage.database import Conn, Row
from storage.queries import load

_WALL = SystemClock()


def accounts(conn: Conn) -> list[Row]:
    """Every account, those in use first."""
    return conn.execute(load("people")["accounts"]).fetchall()


def add_account(
    conn: Conn, name: str, password: str, role: str, engineer: str = "", *, actor: str
) -> None:
    """`engineer`: the key of whose tickets an engineer's account sees. Raises BadInputError."""
    name = name.strip()
    create_account(conn, name, password, role, engineer_id=_engineer_id(conn, role, engineer))
    audit(conn, actor, "add_account", f"account/{name}", {"role": role, "engineer": engineer})


def change_account(
    conn: Conn,
    account_id: int,
    role: str,
    engineer: str = "",
    *,
    disabled: bool,
    version: int,
    actor: str,
) -> None:
    """Whose role falls or who is disabled is so at once: every page asks anew.

    Raises BadInputError, NotFoundError, ChangedMeanwhileError, and NotAllowedError when nobody would
    be left who administers.
    """
    before = _locked(conn, account_id, version)
    wanted = check_role(role)
    if wanted is not Role.ADMINISTRATOR or disabled:
        _keep_one_administrator(conn, account_id)
    now = _WALL.now()
    values = {
        "id": account_id,
        "role": wanted,
        "engineer_id": _engineer_id(conn, role, engineer),
        "disabled_at": (before["disabled_at"] or now) if disabled else None,
    }
    conn.execute(load("people")["change_account"], values)
    if disabled:
        conn.execute(load("console")["end_account_sessions"], {"account_id": account_id})
    detail = {"role": wanted, "engineer": engineer, "disabled": "yes" if disabled else ""}
    audit(conn, actor, "change_account", f"account/{before['name']}", detail)


def give_password(conn: Conn, account_id: int, password: str, *, actor: str) -> None:
    """A new password ends every session of the account. Raises BadInputError, NotFoundError."""
    row = conn.execute(load("people")["lock_account"], {"id": account_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no account {account_id}")
    give_password_by_name(conn, row["name"], password, actor=actor)


def give_password_by_name(conn: Conn, name: str, password: str, *, actor: str) -> None:
    """As `give_password`."""
    set_password(conn, name, password)
    audit(conn, actor, "set_password", f"account/{name}", {})


def _locked(conn: Conn, account_id: int, version: int) -> Row:
    row = conn.execute(load("people")["lock_account"], {"id": account_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no account {account_id}")
    if row["version"] != version:
        raise ChangedMeanwhileError(f"account {row['name']!r} was changed since it was shown")
    return row


def _keep_one_administrator(conn: Conn, account_id: int) -> None:
    rows = conn.execute(load("people")["lock_administrators"]).fetchall()
    if [row["id"] for row in rows] == [account_id]:
        raise NotAllowedError("this is the last account that administers")


def _engineer_id(conn: Conn, role: str, key: str) -> int | None:
    if role != Role.ENGINEER or not key:
        return None
    row = conn.execute(load("people")["engineer_id"], {"key": key}).fetchone()
    if row is None:
        raise BadInputError(f"engineer: there is none with the key {key!r}")
    return int(row["id"])
