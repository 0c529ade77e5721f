"""How wide the columns of a printed table are, and which rows take one line.

Told beforehand, from what signs are at most as wide as: a table of thousands of rows is then set row by
row, instead of being measured whole first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from kpi.reports.render.layout import LaidTable

PAGE = 493.0  # points: A4 less its margins
PADDING = 8.0  # points: of a cell, on both sides together
_SIZES = (8.5, 7.5, 6.5)
_MANY, _TOO_MANY = 6, 9
_NARROWEST = 55.0  # points: below that, words are broken apart
_SLACK = 0.15  # ems: short words of wide letters
_HEAD = 1.05  # bold is so much wider
_NARROW, _WIDE = frozenset("ijltfrI.,:;!'|()[]{}/- \u00a0"), frozenset("mMwW@%")
_WIDE_ARABIC = frozenset("صضسشﷲ")


@dataclass(frozen=True, slots=True)
class Fit:
    """A table's type size and columns, in points; `one_line`: of each row, whether it surely takes one."""

    size: float
    widths: tuple[float, ...]
    one_line: tuple[bool, ...]


def fit(table: LaidTable) -> Fit:
    """What flows gives way to what is kept whole; where even that is too wide, the type is smaller."""
    first = sum(len(table.columns) > limit for limit in (_MANY, _TOO_MANY))
    cells = [[ems(cell) for cell in row.cells] for row in table.rows]
    for size in _SIZES[first:]:
        widths = _widths(table, cells, size)
        if widths is not None:
            break
    else:
        size, widths = _SIZES[-1], [PAGE / len(table.columns)] * len(table.columns)
    lines = (
        all(cell * size + PADDING <= wide for cell, wide in zip(row, widths, strict=True))
        for row in cells
    )
    return Fit(size, tuple(round(wide, 2) for wide in widths), tuple(lines))


def _widths(table: LaidTable, cells: Sequence[Sequence[float]], size: float) -> list[float] | None:
    """None: the page is too narrow for this size."""
    places = range(len(table.columns))
    inner = [max((row[place] for row in cells), default=0.0) for place in places]
    heads = [ems(column.name) * _HEAD for column in table.columns]
    whole = _points(zip(inner, heads, strict=True), size)
    if sum(whole) <= PAGE:
        return whole
    broken = [max(map(ems, column.name.split()), default=0.0) * _HEAD for column in table.columns]
    wanted = _points(zip(inner, broken, strict=True), size)
    kept = sum(wide for wide, each in zip(wanted, table.columns, strict=True) if not each.flows)
    flowing = [wide for wide, each in zip(wanted, table.columns, strict=True) if each.flows]
    level = _level(flowing, PAGE - kept)
    if level < _NARROWEST and level < max(flowing, default=PAGE):
        return None
    return [
        min(wide, level) if each.flows else wide
        for wide, each in zip(wanted, table.columns, strict=True)
    ]


def _points(columns: Iterable[tuple[float, float]], size: float) -> list[float]:
    return [max(column) * size + PADDING + 0.1 for column in columns]


def _level(wanted: Sequence[float], room: float) -> float:
    """So wide that columns, none wider than it wants, take up the room together; negative: none is left."""
    left = sorted(wanted, reverse=True)
    while left and left[-1] * len(left) <= room:
        room -= left.pop()
    return room / len(left) if left else (room if room < 0 else PAGE)


def ems(text: str) -> float:
    """How wide a text is at most, in the size of its type."""
    return _SLACK + sum(map(_em, text))


@cache
def _em(sign: str) -> float:
    if unicodedata.category(sign) in ("Mn", "Cf"):
        return 0.0
    if sign in _NARROW:
        return 0.5 if sign in "/-" else 0.37
    if sign in _WIDE or sign in _WIDE_ARABIC:
        return 1.27 if sign in _WIDE_ARABIC else 0.9
    if sign.isascii():
        return 0.72 if sign.isupper() else 0.67 if sign.isdigit() else 0.58
    if unicodedata.bidirectional(sign) == "AL":
        return 0.6
    if unicodedata.east_asian_width(sign) in "WF" or ord(sign) < 0x2500:
        return 1.08 if unicodedata.east_asian_width(sign) in "WF" else 0.67
    return 1.5
