"""Values and names as text for a reader."""

from __future__ import annotations

import math
import unicodedata
from datetime import date, datetime, timedelta

from domain.text import N_, Text
from kpi.reports.document import Range, Unit, Value
from kpi.reports.reader import Reader

UNKNOWN = "–"
ISOLATE, RIGHT_TO_LEFT, END = "\u2068", "\u2067", "\u2069"
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_UNREADABLE, _KEPT = frozenset({"Cc", "Cs", "Co", "Cn"}), "\n\t"


def shown(value: Value, unit: Unit, digits: int, reader: Reader) -> str:
    """A value as it stands in a table; a dash for what is not known."""
    if not is_known(value):
        return UNKNOWN
    if unit is Unit.CODE:
        return reader.plain(said(value, reader) if isinstance(value, Text) else str(value))
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
    if isinstance(value, Range):
        ends = (figure(end, unit, digits, reader, fixed=True) for end in (value.low, value.high))
        return said(
            Text(N_("{low} to {high}"), dict(zip(("low", "high"), ends, strict=True))), reader
        )
    assert value is not None
    return figure(value, unit, digits, reader, fixed=True)


def figure(value: float, unit: Unit, digits: int, reader: Reader, *, fixed: bool = False) -> str:
    """A number by its unit, with as many decimals as it needs, or exactly `digits`; a span is in seconds."""
    if unit is Unit.SHARE:
        return reader.share(value, digits)
    if unit is Unit.SPAN:
        return reader.span(timedelta(seconds=value))
    return reader.number(value, 0 if unit is Unit.COUNT else digits, fixed=fixed)


def is_known(value: Value) -> bool:
    """Neither None nor a float that is no number."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def said(text: Text, reader: Reader) -> str:
    """A sentence in the reader's language, in which no name changes the direction of what follows it."""
    return clean(reader.say(_undirected(text)))


def _undirected(text: Text) -> Text:
    """Without the signs of direction in its values: the reader's language sets its own."""
    values = {
        key: _undirected(value)
        if isinstance(value, Text)
        else without_directions(value)
        if isinstance(value, str)
        else value
        for key, value in text.values.items()
    }
    return Text(text.template, values, text.also)


def titled(text: Text, reader: Reader) -> str:
    """A heading: a sentence's words, the first letter large where the script has large ones."""
    words = said(text, reader)
    return words[:1].upper() + words[1:]


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
