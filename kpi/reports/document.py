"""What a report says, before it has a language or a format.

A kind of report is a function from the store to a `Document`; a renderer is a function from a
`Document` and a reader's language to bytes. Neither knows the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from domain.errors import BadInputError
from domain.text import Text


class Unit(StrEnum):
    """What a value is, and so how it is written.

    WORDS is a `Text`, or a str that is nobody's language: a name, a key, a serial number. COUNT is
    an int, NUMBER a float, SHARE a ratio (0 to 1), SPAN a timedelta, DAY a date, MOMENT an aware
    datetime; CODE the number of a ticket, or some in words, never with a thousands separator. The value
    of each may be None: not known.
    """

    WORDS = "words"
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    SPAN = "span"
    DAY = "day"
    MOMENT = "moment"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Range:
    """An interval, of the unit of its column."""

    low: float
    high: float


def between(low: float | None, high: float | None) -> Range | None:
    """The interval, where both ends are known."""
    return None if low is None or high is None else Range(low, high)


Value: TypeAlias = Text | str | int | float | timedelta | date | datetime | Range | None


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure that is read at a glance.

    Attributes:
        low, high: its 95 % interval, where it has one.
        note: what it is made of, or what to think of it.
    """

    name: Text
    value: Value
    unit: Unit
    low: float | None = None
    high: float | None = None
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Figures side by side."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence, or some, that stand for themselves."""

    text: Text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        digits: decimals of a NUMBER or a SHARE in percent.
        ranges: its values are Ranges of `unit`.
    """

    name: Text
    unit: Unit
    digits: int = 1
    ranges: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title.

    Attributes:
        rows: a value for each column. Raises BadInputError where there are more or fewer.
        marked: indices of rows that are made of too few cases to be compared.
        note: how to read it; stands below.
        nothing: what stands in its place when there are no rows.
    """

    title: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    nothing: Text
    marked: frozenset[int] = frozenset()
    note: Text | None = None

    def __post_init__(self) -> None:
        for place, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise BadInputError(
                    f"row {place} of '{self.title}': {len(row)} values, "
                    f"the table has {len(self.columns)} columns"
                )


def named(name: str) -> Text:
    """A name - of a model, a customer - where a sentence is wanted."""
    return Text("{name}", {"name": name})


class Shape(StrEnum):
    """How a chart draws its series: BARS over names or days, LINES, STEPS (survival curves)."""

    BARS = "bars"
    LINES = "lines"
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class Series:
    """One row of points: `y` at the chart's `x`, with a band of 95 % where `low` and `high` are given.

    None: nothing is known there; the line has a gap.
    """

    name: Text
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] | None = None
    high: tuple[float | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows. `ends`: its first and last value, where they are known beforehand."""

    name: Text
    unit: Unit
    ends: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over one x axis. `x` holds names (WORDS), days or numbers, in their order."""

    title: Text
    shape: Shape
    across: Axis
    up: Axis
    x: tuple[Value, ...]
    series: tuple[Series, ...]
    note: Text | None = None


Block: TypeAlias = Facts | Paragraph | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter, which may begin on a page of its own."""

    title: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report.

    Attributes:
        kind: the name of its kind, as on the command line.
        about: of whom it speaks: a customer, the whole fleet.
        start, end: the period [start, end), aware, in the zone whose days the report counts.
        made_at: the moment of which the figures are.
        summary: what a reader who reads one line should read.
    """

    kind: str
    title: Text
    about: Text
    start: datetime
    end: datetime
    made_at: datetime
    summary: Sequence[Text]
    sections: tuple[Section, ...]
