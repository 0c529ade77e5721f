"""Customers, their sites, and the engineers who look after them: added and changed by administrators.

Nothing is deleted, since tickets and reports go back to it: what is over is disabled. A change names
the version that it was decided on; None adds something new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from desk.actions import audit
from desk.calls import digits_of
from domain.clock import Clock
from domain.device import DeviceKind
from domain.errors import BadInputError, ChangedMeanwhileError, NotFoundError
from domain.vocabulary import COMPONENTS
from pipeline.devices.fields import FIELDS
from storage.database import Conn, Database, Row
from storage.queries import load

SKILLS = (*DeviceKind, *COMPONENTS)
"""What an engineer may be good at: kinds of devices, and components."""


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """Whose devices they are."""

    key: str
    name: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """Where devices stand. `customer` and `engineer` are keys; an empty engineer: nobody's care."""

    key: str
    name: str
    customer: str
    city: str = ""
    region_class: str = "urban"
    time_zone: str = "UTC"
    engineer: str = ""
    phone: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class EngineerFacts:
    """Who may be sent: see `desk.assignment` for skills and shift. `reports_to` is a key, or empty."""

    key: str
    name: str
    region: str = ""
    skills: tuple[str, ...] = ()
    shift_days: tuple[int, ...] = ()
    shift_from: time | None = None
    shift_until: time | None = None
    time_zone: str = "UTC"
    reports_to: str = ""
    disabled: bool = False


def save_customer(
    database: Database, clock: Clock, facts: CustomerFacts, *, version: int | None, actor: str
) -> None:
    """Raises BadInputError, NotFoundError, ChangedMeanwhileError."""
    values = {"key": facts.key, "name": _named(facts.key, facts.name)}
    _save(database, clock, "customer", values, facts.disabled, version, actor)


def save_site(
    database: Database, clock: Clock, facts: SiteFacts, *, version: int | None, actor: str
) -> None:
    """Raises BadInputError, NotFoundError, ChangedMeanwhileError."""
    values = {
        "key": facts.key,
        "name": _named(facts.key, facts.name),
        "customer": facts.customer,
        "city": _fit("city", facts.city),
        "region_class": _fit("region_class", facts.region_class),
        "time_zone": _fit("time_zone", facts.time_zone),
        "engineer": facts.engineer,
        "phone": digits_of(facts.phone),
    }
    _save(database, clock, "site", values, facts.disabled, version, actor)


def save_engineer(
    database: Database, clock: Clock, facts: EngineerFacts, *, version: int | None, actor: str
) -> None:
    """Raises BadInputError, NotFoundError, ChangedMeanwhileError."""
    _check_engineer(facts)
    values = {
        "key": facts.key,
        "name": _named(facts.key, facts.name),
        "region": _fit("city", facts.region),
        "skills": sorted(set(facts.skills)),
        "shift_days": sorted(set(facts.shift_days)),
        "shift_from": facts.shift_from,
        "shift_until": facts.shift_until,
        "time_zone": _fit("time_zone", facts.time_zone),
        "reports_to": facts.reports_to,
    }
    _save(database, clock, "engineer", values, facts.disabled, version, actor)


def listed(conn: Conn, what: str) -> list[Row]:
    """Every `customer`, `site` or `engineer`, those in use first."""
    return conn.execute(load("places")[f"{what}s"]).fetchall()


def _check_engineer(facts: EngineerFacts) -> None:
    strange = sorted(set(facts.skills) - set(SKILLS))
    if strange:
        raise BadInputError(f"skills: {strange[0]!r}; allowed: {', '.join(SKILLS)}")
    if not set(facts.shift_days) <= set(range(1, 8)):
        raise BadInputError("shift_days: allowed: 1 (Monday) to 7 (Sunday)")
    if (facts.shift_from is None) != (facts.shift_until is None):
        raise BadInputError("shift_from, shift_until: both or neither")
    if facts.shift_from is not None and facts.shift_from == facts.shift_until:
        raise BadInputError("shift_until: must differ from shift_from")
    if facts.reports_to == facts.key:
        raise BadInputError("reports_to: must be somebody else")


def _named(key: str, name: str) -> str:
    _fit("site", key)
    if not name.strip():
        raise BadInputError("name: must not be empty")
    return str(_fit("site_name", name.strip()))


def _fit(field: str, value: str) -> object:
    try:
        return FIELDS[field].read(value)
    except ValueError as error:
        raise BadInputError(f"{field}: {value!r}; allowed: {FIELDS[field].allowed}") from error


def _save(
    database: Database,
    clock: Clock,
    what: str,
    values: Mapping[str, Any],
    disabled: bool,
    version: int | None,
    actor: str,
) -> None:
    with database.transaction() as conn:
        _require_named(conn, what, values)
        now = clock.now()
        row = {**values, "disabled_at": now if disabled else None, "now": now, "version": version}
        if version is None:
            _add(conn, what, row)
        else:
            _change(conn, what, row)
        detail = {name: _told(value) for name, value in values.items() if name != "key"}
        verb = "add" if version is None else "change"
        audit(conn, actor, f"{verb}_{what}", f"{what}/{values['key']}", detail | _if(disabled))


def _add(conn: Conn, what: str, row: Row) -> None:
    if conn.execute(load("places")[f"add_{what}"], row).fetchone() is None:
        raise BadInputError(f"key: {row['key']!r} is taken")


def _change(conn: Conn, what: str, row: Row) -> None:
    if conn.execute(load("places")[f"change_{what}"], row).fetchone() is not None:
        return
    found = conn.execute(load("places")[f"version_of_{what}"], {"key": row["key"]}).fetchone()
    if found is None:
        raise NotFoundError(f"there is no {what} {row['key']!r}")
    raise ChangedMeanwhileError(f"{what} {row['key']!r} has been changed since it was shown")


def _require_named(conn: Conn, what: str, values: Mapping[str, Any]) -> None:
    """Raises BadInputError where another row is named by a key that there isn't."""
    for field, other in _OTHERS.get(what, {}).items():
        key = values[field]
        needed = field == "customer" or key
        if (
            needed
            and not conn.execute(load("places")[f"version_of_{other}"], {"key": key}).fetchone()
        ):
            raise BadInputError(f"{field}: there is no {other} with the key {key!r}")


_OTHERS = {
    "site": {"customer": "customer", "engineer": "engineer"},
    "engineer": {"reports_to": "engineer"},
}


def _told(value: object) -> object:
    """A value as the audit keeps it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, time | datetime) else value


def _if(disabled: bool) -> dict[str, str]:
    return {"disabled": "yes"} if disabled else {}
