"""What devices' parts say in their own protocols, translated to the canonical codes.

The same byte means different things in ID-003 and in CCNET, so every code is looked up under its
protocol. docs/dialects.md shows the tables.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.codes import CODES, Code
from domain.dialects import acceptors, escpos, upos, xfs, xfs4iot
from domain.dialects.row import ANY, Row
from domain.report import EventReport, Severity
from domain.vocabulary import COMPONENTS, DEVICE

DIALECTS: Mapping[str, Sequence[Row]] = {
    "upos": upos.ROWS,
    "xfs": xfs.ROWS,
    "xfs4iot": xfs4iot.ROWS,
    "id003": acceptors.ID003,
    "ccnet": acceptors.CCNET,
    "cctalkBill": acceptors.CCTALK_BILL,
    "cctalkFault": acceptors.CCTALK_FAULT,
    "mdb": acceptors.MDB,
    "escpos": escpos.ROWS,
}
"""The tables, by the name that an event's `dialect` gives."""

_BYTES = frozenset({"id003", "ccnet", "mdb"})
"""Protocols whose codes are bytes: written in hexadecimal, with or without `0x`; one may qualify
another (`49 A2`)."""

_PAIR = re.compile("..")
_HEXADECIMAL = re.compile("([0-9a-f]{2})+")
_NOT_ALNUM = re.compile(r"[^0-9a-z=-]+")


@dataclass(frozen=True, slots=True)
class Translated:
    """A code in the canonical words. `component` is never empty."""

    component: str
    code: Code
    severity: Severity


def translate(dialect: str, raw_code: str, component: str = "") -> Translated | None:
    """What `raw_code` means in `dialect`, said by `component`; None: no table knows it.

    A number that two kinds of part share (UnifiedPOS, MDB) needs the component; a component that
    only its device knows is taken for the one kind of part that the code fits. Of a byte with
    several bits set (`n2=0x36` in ESC/POS) the worst counts. A qualified code whose qualifier is
    not known means what the code means alone.
    """
    dialect = _DIALECT.get(dialect.casefold(), "")
    if not dialect:
        return None
    for key in _keys(dialect, raw_code):
        found = _choose(_INDEX[dialect].get(key, ()), component)
        if found is not None:
            own = "" if component == DEVICE else component
            named = own or found.component or DEVICE
            return Translated(named, found.code, found.code.severity)
    return None


def event_of(
    dialect: str, raw_code: str, component: str = "", severity: Severity | None = None
) -> EventReport:
    """The event that `raw_code` is, in the canonical words where a table knows it, else as it came.

    `severity`: as the device sees it; None: as the code has it, a warning where it is not known.
    """
    found = translate(dialect, raw_code, component)
    if found is None:
        worth = severity or Severity.WARNING
        return EventReport(component, raw_code, worth, dialect, raw_code)
    part = "" if found.component == DEVICE else found.component
    return EventReport(
        component or part, found.code.value, severity or found.severity, dialect, raw_code
    )


def canonical_event(
    code: str, component: str = "", severity: Severity | None = None
) -> EventReport:
    """The event that `code` names without any protocol; `severity` as in `event_of`."""
    if severity is None:
        severity = CODES[code].severity if code in CODES else Severity.WARNING
    return EventReport(component, code, severity)


def is_known(dialect: str) -> bool:
    """Whether there is a table for `dialect`."""
    return dialect.casefold() in _DIALECT


def _choose(rows: Sequence[Row], component: str) -> Row | None:
    fitting = rows
    if component in COMPONENTS and component != DEVICE:
        fitting = [row for row in rows if row.component in (ANY, component)]
    return fitting[0] if len({(row.code, row.component) for row in fitting}) == 1 else None


def _keys(dialect: str, raw_code: str) -> Iterator[str]:
    """The ways to look `raw_code` up, the most exact first."""
    words = _words(dialect, raw_code)
    yield " ".join(words)
    if dialect == "escpos":
        yield from escpos.worst_first(words)
    elif dialect in _BYTES:
        yield from (" ".join(words[:length]) for length in range(len(words) - 1, 0, -1))


def _words(dialect: str, raw_code: str) -> list[str]:
    words = _NOT_ALNUM.sub(" ", raw_code.casefold()).split()
    if dialect not in _BYTES:
        return words
    digits = "".join(word.removeprefix("0x").zfill(2) for word in words)
    return _PAIR.findall(digits) if _HEXADECIMAL.fullmatch(digits) else words


def _index() -> dict[str, dict[str, list[Row]]]:
    index: dict[str, dict[str, list[Row]]] = {}
    for dialect, rows in DIALECTS.items():
        keyed: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            for name in {row.raw, row.symbol} - {""}:
                keyed[" ".join(_words(dialect, name))].append(row)
        index[dialect] = dict(keyed)
    return index


_DIALECT = {name.casefold(): name for name in DIALECTS}
_INDEX = _index()
