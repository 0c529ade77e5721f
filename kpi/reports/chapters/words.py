"""Small pieces of layout, and codes as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from desk.case import ORIGIN_TEXT
from domain.device import KIND_TEXT, DeviceKind
from domain.text import N_, Text
from domain.vocabulary import component
from kpi.reports.document import Column, Table, Unit, Value, named
from kpi.service.scope import Whose

MOST = 15
"""So many rows a list shows; the note below says how many more there are."""

FEW = 20
"""Shares of fewer cases are marked."""


def about(of: Whose) -> Text:
    """Of whom a report speaks."""
    if of.key is None:
        return Text(N_("The whole fleet"))
    return Text(N_("Customer: {name}"), {"name": of.name})


def columns(*wanted: tuple[str, Unit] | tuple[str, Unit, int] | Column) -> tuple[Column, ...]:
    """Each from (name marked with N_, unit[, digits]), or as it is."""
    return tuple(
        each if isinstance(each, Column) else Column(Text(each[0]), *each[1:]) for each in wanted
    )


def interval(unit: Unit, digits: int = 1) -> Column:
    """A column of 95 % intervals."""
    return Column(Text(N_("95 % interval")), unit, digits, ranges=True)


def listed(
    title: str,
    heads: tuple[Column, ...],
    rows: Iterable[tuple[Value, ...]],
    nothing: str,
    note: str = "",
    most: int = MOST,
) -> Table:
    """A table of the first rows, which says how many more there are."""
    every = list(rows)
    more = len(every) - most
    notes: list[Text] = [Text(note)] if note else []
    if more > 0:
        notes.append(Text(N_("{count} more are not shown."), {"count": more}))
    return Table(Text(title), heads, tuple(every[:most]), Text(nothing), note=joined(notes))


def joined(texts: Sequence[Text]) -> Text | None:
    """Sentences one after the other; None for none."""
    if not texts:
        return None
    first, *rest = texts
    for text in rest:
        first = Text(N_("{first} {second}"), {"first": first, "second": text})
    return first


def in_a_row(words: Sequence[Text]) -> Text:
    """Words that stand side by side in one sentence; at least one."""
    first, *rest = words
    for word in rest:
        first = Text(N_("{before}; {after}"), {"before": first, "after": word})
    return first


def kind_text(kind: str) -> Text:
    return Text(KIND_TEXT[DeviceKind(kind)]) if kind in set(DeviceKind) else named(kind)


def component_text(name: str) -> Text:
    return Text(component(name).label) if name else Text(N_("not known"))


def origin_text(origin: str) -> Text:
    return Text(ORIGIN_TEXT[origin])


def ticket_text(ticket_id: int | None) -> str | None:
    """A ticket's number as people write it: never with a thousands separator."""
    return None if ticket_id is None else str(ticket_id)
