"""Values and names as text for a reader."""

from __future__ import annotations

import math
import unicodedata
from datetime import date, datetime, timedelta

from domain.text import Text
from kpi.reports.document import Unit, Value
from kpi.reports.reader import Reader

UNKNOWN = "–"
ISOLATE, RIGHT_TO_LEFT, END = "\u2068", "\u2067", "\u2069"
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_UNREADABLE, _KEPT = frozenset({"Cc", "Cs", "Co", "Cn"}), "\n\t"


def shown(value: Value, unit: Unit, digits: int, reader: Reader) -> str:
    """A value as it stands in a sentence or a table; a dash for what is not known."""
    if not is_known(value):
        return UNKNOWN
    if isinstance(value, Text):
        return said(value, reader)
    if isinstance(value, str):
        return name(value, reader)
    if isinstance(value, timedelta):
        return reader.span(value)
    if isinstance(value, datetime):
        return reader.moment(value) if unit is Unit.MOMENT else reader.day(value)
    if isinstance(value, date):
        return reader.day(value)
    assert value is not None
    return figure(value, unit, digits, reader)


def figure(value: float, unit: Unit, digits: int, reader: Reader) -> str:
    """A number by its unit; a span is in seconds."""
    if unit is Unit.SHARE:
        return reader.share(value, digits)
    if unit is Unit.SPAN:
        return reader.span(timedelta(seconds=value))
    return reader.number(value, 0 if unit is Unit.COUNT else digits)


def is_known(value: Value) -> bool:
    """Neither None nor a float that is no number."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def said(text: Text, reader: Reader) -> str:
    """A sentence in the reader's language."""
    return clean(reader.say(text))


def name(text: str, reader: Reader) -> str:
    """A name or a key, which keeps its own direction and can't change that of what follows it."""
    bare = "".join(sign for sign in clean(text) if sign not in _DIRECTIONS)
    if not bare or (bare.isascii() and reader.direction == "ltr"):
        return bare
    return f"{ISOLATE}{bare}{END}"


def clean(text: str) -> str:
    """Without what nobody can read and no XML, and so no chart and no workbook, can hold: control
    characters, halves of surrogate pairs, signs that mean nothing or only something to one firm."""
    return "".join(
        "\ufffd" if unicodedata.category(sign) in _UNREADABLE and sign not in _KEPT else sign
        for sign in text
    )


def without_directions(text: str) -> str:
    """Without the signs of direction that sentences and names carry."""
    return "".join(sign for sign in text if sign not in _DIRECTIONS)
