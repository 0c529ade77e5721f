"""Pages of the API: bounded, and continued by a cursor that names the last row seen."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, LiteralString, TypeVar

from fastapi import Query
from pydantic import BaseModel

from domain.errors import BadInputError
from storage.database import Conn, Row

Limit = Annotated[int, Query(ge=1, le=1000, description="How many rows at most.")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next` of the page before; none at first.")
]

Item = TypeVar("Item", bound=BaseModel)


class Page(BaseModel, Generic[Item]):
    """Some rows, and the cursor of the rows after them; null at the end."""

    items: list[Item]
    next: str | None = None


def by_id(
    conn: Conn,
    statement: LiteralString,
    shape: type[Item],
    wanted: dict[str, Any],
    cursor: str | None,
    limit: int,
) -> Page[Item]:
    """Rows in the order of their ids, whichever way the statement takes them.

    The statement compares the id with `%(after)s`, which is null on the first page.
    """
    after = _decode(cursor, 1)
    rows = conn.execute(
        statement, wanted | {"after": after[0] if after else None, "limit": limit + 1}
    ).fetchall()
    more = len(rows) > limit
    return _page(rows[:limit], shape, [rows[limit - 1]["id"]] if more else None)


def by_time(
    conn: Conn,
    statement: LiteralString,
    shape: type[Item],
    wanted: dict[str, Any],
    cursor: str | None,
    limit: int,
) -> Page[Item]:
    """Rows from the newest back, where several may share a moment.

    The cursor names the last row's moment and how many rows of that moment were seen, so that none
    is left out. The statement takes rows up to `%(until)s` and skips `%(seen)s`.
    """
    place = _decode(cursor, 2)
    until, seen = (_moment(place[0]), int(place[1])) if place else (None, 0)
    rows = conn.execute(
        statement, wanted | {"until": until, "seen": seen, "limit": limit + 1}
    ).fetchall()
    if len(rows) <= limit:
        return _page(rows, shape, None)
    rows = rows[:limit]
    last = rows[-1]["at"]
    alike = sum(row["at"] == last for row in rows)
    return _page(rows, shape, [last.isoformat(), alike + (seen if last == until else 0)])


def by_place(
    rows: Sequence[Row], shape: type[Item], place: Sequence[str], limit: int
) -> Page[Item]:
    """A page of rows in the order of the columns `place`; one row more than `limit` says that there
    are more."""
    more = len(rows) > limit
    last = [str(rows[limit - 1][name]) for name in place] if more else []
    return _page(rows[:limit], shape, [*last, limit] if more else None)


def place_after(cursor: str | None, place: Sequence[str]) -> dict[str, str] | None:
    """The columns `place` of the last row seen, as text; None on the first page."""
    found = _decode(cursor, len(place) + 1)
    return dict(zip(place, map(str, found), strict=False)) if found else None


def _page(rows: Sequence[Row], shape: type[Item], place: list[Any] | None) -> Page[Item]:
    items = [shape.model_validate(row) for row in rows]
    return Page(items=items, next=None if place is None else _encode(place))


def _encode(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _decode(cursor: str | None, length: int) -> list[Any] | None:
    if cursor is None:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise BadInputError(f"cursor: {cursor!r} was not given by this API") from error
    counts = place[-1:] if isinstance(place, list) and len(place) == length else [None]
    if type(counts[0]) is not int or counts[0] < 0:
        raise BadInputError(f"cursor: {cursor!r} was not given by this list")
    return list(place)


def _moment(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"cursor: {text!r} is no moment") from error
    if moment.tzinfo is None:
        raise BadInputError(f"cursor: {text!r} has no time zone")
    return moment
