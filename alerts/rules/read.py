"""Rules from TOML: those that are shipped, and a user's file that adds to them and changes them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

from pydantic import ValidationError

from alerts.rules.book import RuleBook
from alerts.rules.kinds import ADAPTERS, KINDS, NAMED_AFTER
from alerts.rules.rule import Rule
from domain.errors import BadInputError

MAX_RULES = 2_000
_MAX_PROBLEMS = 20
_DISABLE, _CHANGE = "disable", "change"


@dataclass(frozen=True, slots=True)
class Table:
    """A rule as it is written: the kind that its table is headed with, and the table."""

    kind: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the rule is called; its kind, where it says nothing better."""
        about = self.values.get(NAMED_AFTER.get(self.kind, ""))
        usual = f"{self.kind}:{about}" if about else self.kind
        return str(self.values.get("name", usual))

    def rule(self) -> Rule:
        """Raises BadInputError that says all that is wrong with it."""
        try:
            found: Rule = ADAPTERS[self.kind].validate_python({"name": self.name, **self.values})
        except ValidationError as error:
            raise BadInputError(
                f"rule {self.name!r}: " + "; ".join(_told(error, KINDS[self.kind]))
            ) from error
        return found


@cache
def shipped() -> RuleBook:
    """The rules that Forecall brings along."""
    return RuleBook(table.rule() for table in _shipped().values())


def read_book(text: str, source: str = "file") -> RuleBook:
    """The shipped rules as `text`, a user's file, changes them; its own rules are asked first.

    Raises BadInputError: which rule, which key, the value and what is allowed.
    """
    tree = _parsed(text)
    problems: list[str] = []
    tables = _joined(tree, problems)
    rules = list(_valid(tables, problems))
    if problems:
        more = len(problems) - _MAX_PROBLEMS
        tail = [f"and {more} more"] if more > 0 else []
        raise BadInputError("; ".join([*problems[:_MAX_PROBLEMS], *tail]))
    return RuleBook(rules, source)


def from_record(rules: Sequence[Mapping[str, Any]]) -> RuleBook:
    """A book as it was recorded (`alerts.rules.book.as_json` of each rule). Raises BadInputError
    where a rule is of a kind or has a key that is known no more."""
    found = []
    for values in rules:
        table = {key: value for key, value in values.items() if key != "kind"}
        if values.get("kind") not in KINDS:
            raise BadInputError(f"rule {values.get('name')!r}: kind: {values.get('kind')!r}")
        found.append(Table(values["kind"], table).rule())
    return RuleBook(found)


def _parsed(text: str) -> dict[str, Any]:
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"is not TOML: {error}") from error
    for key, value in tree.items():
        wanted: type = {_DISABLE: list, _CHANGE: dict}.get(key, list)
        if key not in (_DISABLE, _CHANGE, *KINDS):
            allowed = ", ".join([_DISABLE, _CHANGE, *KINDS])
            raise BadInputError(f"{key}: unknown key; allowed: {allowed}")
        if not isinstance(value, wanted):
            how = {_DISABLE: "disable = [names]", _CHANGE: '[change."name"]'}.get(key, f"[[{key}]]")
            raise BadInputError(f"{key}: {value!r}; allowed: {how}")
    return tree


def _joined(tree: dict[str, Any], problems: list[str]) -> list[Table]:
    """The user's own tables, then the shipped ones as they are left and changed."""
    standing = dict(_shipped())
    problems += [
        f"disable: {name!r} is no shipped rule; `forecall rules list` has them"
        for name in tree.get(_DISABLE, [])
        if standing.pop(str(name), None) is None
    ]
    for name, change in tree.get(_CHANGE, {}).items():
        if name not in standing:
            problems.append(f"change: {name!r} is no shipped rule, or it is disabled")
        elif not isinstance(change, dict) or "name" in change:
            problems.append(f"change: {name!r}: keys other than 'name' are allowed")
        else:
            table = standing[name]
            standing[name] = Table(table.kind, {**table.values, "name": name, **change})
    own = list(_tables(tree))
    if len(own) > MAX_RULES:
        problems.append(f"{len(own):,} rules; allowed: {MAX_RULES:,}")
        own = []
    return [*own, *standing.values()]


def _tables(tree: dict[str, Any]) -> Iterator[Table]:
    for kind in KINDS:
        for values in tree.get(kind, []):
            # What is no table at all is refused with the rest, as a rule of no keys.
            yield Table(kind, values if isinstance(values, dict) else {"": values})


def _valid(tables: list[Table], problems: list[str]) -> Iterator[Rule]:
    names: set[str] = set()
    for table in tables:
        if table.name in names:
            problems.append(
                f"rule {table.name!r}: stands twice; allowed: a name of its own, or "
                f'[change."{table.name}"]'
            )
        names.add(table.name)
        try:
            yield table.rule()
        except BadInputError as error:
            problems.append(str(error))


@cache
def _shipped() -> Mapping[str, Table]:
    folder = resources.files(__package__).joinpath("shipped")
    found: dict[str, Table] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        for table in _tables(tomllib.loads(file.read_text(encoding="utf-8"))):
            found[table.name] = table
    return found


def _told(error: ValidationError, kind: type[Rule]) -> Iterator[str]:
    keys = sorted(field.name for field in fields(kind))
    for problem in error.errors():
        key = ".".join(map(str, problem["loc"])) or "it"
        given = repr(problem["input"])[:100]
        if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            yield f"{key}: unknown key; allowed: {', '.join(keys)}"
        elif problem["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
            yield f"{key}: is missing"
        elif problem["type"] == "value_error" and not problem["loc"]:
            yield str(problem["ctx"]["error"])
        elif problem["type"] == "value_error":
            yield f"{key}: {given}; {problem['ctx']['error']}"
        else:
            yield f"{key}: {given}; {problem['msg'].replace('Input should be', 'allowed:')}"
