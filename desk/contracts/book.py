"""The plans and calendars in force, read from TOML: those that are shipped, and a file's over them."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from desk.contracts.calendars import CalendarTable, calendar
from desk.lifecycle import TicketState
from desk.sla.plan import (
    CLOCK_TEXT,
    ELSEWHERE,
    PLAN_TEXT,
    Goal,
    Plan,
    Promise,
    Start,
    Target,
)
from domain.calendar import Calendar
from domain.errors import BadInputError
from domain.fault import Grade, Handling
from domain.report import Severity

Tree = Mapping[str, Any]
T = TypeVar("T")

ANY_KIND = "*"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_REGIONS = {
    "urban": "urban",
    "suburban": "suburban",
    "other_city": "other_city",
    "elsewhere": ELSEWHERE,
}
_SPAN = re.compile(r"(?:(\d{1,4})d)?\s*(?:(\d{1,4})h)?\s*(?:(\d{1,5})min)?")
_MOST_MONTHS = 50 * 12
_LABEL = 80


class ClockTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One `[plans.PLAN.clocks.NAME]`."""

    start: Start
    goal: Goal
    target: str | dict[str, str]
    label: str = ""
    handlings: tuple[Handling, ...] = tuple(Handling)
    grades: tuple[Grade, ...] = tuple(Grade)
    off: bool = False


class PlanTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One `[plans.NAME]`, without its clocks."""

    label: str = ""
    kinds: list[str] = []
    calendar: str = "always"
    pauses: tuple[TicketState, ...] = (TicketState.WAITING_CUSTOMER,)
    warn_at: float = 0.75
    major: Severity | None = None
    mean_repair: str = ""
    warranty_months: int = 12
    free_support_months: int = 3
    support_life_months: int = 120


@dataclass(frozen=True, slots=True, eq=False)
class PlanBook:
    """Plans and calendars by name.

    Attributes:
        tree: what it was read from, whole.
        digest: of `tree`: two books with the same one say the same.
    """

    tree: Tree
    digest: str
    plans: Mapping[str, Plan]
    tables: Mapping[str, CalendarTable]
    _calendars: dict[tuple[str, str], Calendar] = field(default_factory=dict, repr=False)

    def calendar(self, name: str, site_zone: str) -> Calendar:
        """The calendar `name` at a site; the same one for the same question.

        Raises BadInputError when there is none.
        """
        if name not in self.tables:
            raise BadInputError(f"calendar: {name!r}; allowed: {', '.join(self.tables)}")
        made = self._calendars.get((name, site_zone))
        if made is None:
            made = self._calendars.setdefault((name, site_zone), self._make(name, site_zone))
        return made

    def _make(self, name: str, site_zone: str) -> Calendar:
        try:
            return calendar(name, self.tables[name], site_zone)
        except BadInputError as error:
            raise BadInputError(f"calendars.{name}.{error}") from error

    def usual(self, kind: str) -> Plan:
        """The plan of devices of a kind, where no contract says otherwise."""
        for wanted in (kind, ANY_KIND):
            for plan in self.plans.values():
                if wanted in plan.kinds:
                    return plan
        raise AssertionError("a book was read without a plan for every kind")


def read_text(text: str) -> PlanBook:
    """The shipped plans with those of a TOML file over them, key by key.

    Raises BadInputError that names the key, its value and what is allowed.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"not TOML: {error}") from error
    return read_tree(_overlaid(_shipped_tree(), tree))


def read_tree(tree: Tree) -> PlanBook:
    """The plans and calendars of a whole tree. Raises BadInputError as `read_text` does."""
    _only(tree, ("calendars", "plans"), "")
    tables = {
        name: _table(table, CalendarTable, f"calendars.{_name(name, 'calendars')}")
        for name, table in _tables(tree, "calendars").items()
    }
    plans = {name: _plan(name, table) for name, table in _tables(tree, "plans").items()}
    text = json.dumps(tree, sort_keys=True, ensure_ascii=False, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    book = PlanBook(tree=tree, digest=digest, plans=plans, tables=tables)
    _check(book)
    return book


@cache
def shipped() -> PlanBook:
    """What holds where nobody has written a file."""
    return read_tree(_shipped_tree())


def _shipped_tree() -> Tree:
    text = resources.files("desk.contracts").joinpath("shipped/plans.toml").read_text("utf-8")
    return tomllib.loads(text)


def _overlaid(base: Tree, over: Tree) -> Tree:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _overlaid(below, value) if both and below is not None else value
    return merged


def _plan(name: str, tree: Tree) -> Plan:
    path = f"plans.{_name(name, 'plans')}"
    clocks = _tables(tree, "clocks", path)
    own = {key: value for key, value in tree.items() if key != "clocks"}
    table = _table(own, PlanTable, path)
    promises = [_promise(key, each, f"{path}.clocks") for key, each in clocks.items()]
    _within(path, "warn_at", table.warn_at, 0, 1)
    for key in ("warranty_months", "free_support_months", "support_life_months"):
        _within(path, key, getattr(table, key), 0, _MOST_MONTHS)
    return Plan(
        name=name,
        label=_label(path, table.label or PLAN_TEXT.get(name, name)),
        promises=tuple(promise for promise in promises if promise is not None),
        calendar=table.calendar,
        kinds=frozenset(table.kinds),
        pauses=frozenset(_pauses(path, table.pauses)),
        warn_at=table.warn_at,
        major=table.major,
        mean_repair=_span(f"{path}.mean_repair", table.mean_repair) if table.mean_repair else None,
        warranty=table.warranty_months,
        free_support=table.free_support_months,
        support_life=table.support_life_months,
    )


def _promise(name: str, tree: Any, above: str) -> Promise | None:
    path = f"{above}.{_name(name, above)}"
    table = _table(tree, ClockTable, path)
    if table.off:
        return None
    targets = table.target if isinstance(table.target, dict) else {"elsewhere": table.target}
    _only(targets, tuple(_REGIONS), f"{path}.target.")
    return Promise(
        name=name,
        label=_label(path, table.label or CLOCK_TEXT.get(name, name)),
        start=table.start,
        goal=table.goal,
        targets={
            _REGIONS[region]: _target(f"{path}.target", words) for region, words in targets.items()
        },
        handlings=frozenset(table.handlings),
        grades=frozenset(table.grades),
    )


def _target(path: str, words: str) -> Target:
    least, _, most = words.partition(" to ")
    if not most:
        return Target(_span(path, words))
    aim, limit = _span(path, least), _span(path, most)
    if aim >= limit:
        raise BadInputError(f"{path}: {words!r}; allowed: the shorter time first, as in 2h to 4h")
    return Target(limit, aim)


def _span(path: str, words: str) -> timedelta:
    match = _SPAN.fullmatch(words.strip())
    days, hours, minutes = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    span = timedelta(days=days, hours=hours, minutes=minutes)
    if not span or span > timedelta(days=366):
        raise BadInputError(
            f"{path}: {words!r}; allowed: a time such as 40min, 2h, 1h 30min or 3d, at most a year"
        )
    return span


def _label(path: str, words: str) -> str:
    if len(words) > _LABEL or not words.isprintable() or set(words) & set("{}"):
        raise BadInputError(
            f"{path}.label: {words[:80]!r}; allowed: {_LABEL} signs, without braces or line breaks"
        )
    return words


def _pauses(path: str, states: tuple[TicketState, ...]) -> tuple[TicketState, ...]:
    for state in states:
        if not state.waiting:
            raise BadInputError(
                f"{path}.pauses: {state.value!r}; allowed: waiting_customer, waiting_part"
            )
    return states


def _check(book: PlanBook) -> None:
    """What only shows when all tables are known."""
    for plan in book.plans.values():
        if plan.calendar not in book.tables:
            allowed = ", ".join(book.tables)
            raise BadInputError(
                f"plans.{plan.name}.calendar: {plan.calendar!r}; allowed: {allowed}"
            )
    for name in book.tables:
        book.calendar(name, "UTC")
    kinds = [kind for plan in book.plans.values() for kind in plan.kinds]
    twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
    if twice:
        raise BadInputError(f"plans: kinds {', '.join(twice)} stand in two plans; allowed: in one")
    if ANY_KIND not in kinds:
        raise BadInputError(f"plans: no plan has {ANY_KIND!r} among its kinds; allowed: one has it")


def _tables(tree: Tree, key: str, above: str = "") -> Mapping[str, Any]:
    found = tree.get(key, {})
    path = f"{above}.{key}" if above else key
    if not isinstance(found, dict):
        raise BadInputError(f"{path}: {str(found)[:80]!r}; allowed: tables [{path}.NAME]")
    for name, table in found.items():
        if not isinstance(table, dict):
            raise BadInputError(f"{path}.{name}: {str(table)[:80]!r}; allowed: a table")
    return found


def _table(tree: Any, shape: type[T], path: str) -> T:
    try:
        return msgspec.convert(tree, shape)
    except msgspec.ValidationError as error:
        raise BadInputError(f"{path}: {_explained(error, shape)}") from error


_UNKNOWN_FIELD = re.compile(r".*unknown field `(.*)`.*")
_AT = re.compile(r"(.*) - at `\$\.([a-z_]+).*`")
_WORDS = {
    "start": Start,
    "goal": Goal,
    "handlings": Handling,
    "grades": Grade,
    "major": Severity,
    "pauses": TicketState,
}


def _explained(error: msgspec.ValidationError, shape: Any) -> str:
    """What msgspec says, with what is allowed."""
    said = str(error)
    unknown, place = _UNKNOWN_FIELD.fullmatch(said), _AT.fullmatch(said)
    if unknown:
        return f"{unknown[1]}: unknown; allowed: {', '.join(shape.__struct_fields__)}"
    if place and place[2] in _WORDS and "Invalid enum" in said:
        return f"{place[2]}: {place[1]}; allowed: {', '.join(_WORDS[place[2]])}"
    return f"{place[2]}: {place[1]}" if place else said


def _only(tree: Mapping[str, Any], allowed: tuple[str, ...], above: str) -> None:
    for key in tree:
        if key not in allowed:
            raise BadInputError(f"{above}{key}: unknown; allowed: {', '.join(allowed)}")


def _name(name: str, above: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadInputError(
            f"{above}.{name}: not a name; allowed: small letters, digits and _, a letter first"
        )
    return name


def _within(path: str, key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise BadInputError(f"{path}.{key}: {value}; allowed: {least} to {most}")
