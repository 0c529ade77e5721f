"""Lists in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, LiteralString
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from storage.database import Conn, Row

PAGE_LENGTH = 50


class ListFilter(BaseModel):
    """What every list can be asked for; its fields are the names in the address."""

    search: Annotated[str, Field(max_length=100)] = ""
    page: Annotated[int, Field(ge=1, le=10_000)] = 1

    def to_sql(self) -> dict[str, Any]:
        return self.model_dump() | {
            "search": _escape(self.search.strip()),
            "limit": PAGE_LENGTH,
            "offset": (self.page - 1) * PAGE_LENGTH,
        }

    def query(self, **changes: object) -> str:
        """The address's query of this list with `changes`, leaving out what is as usual."""
        usual = {name: field.default for name, field in type(self).model_fields.items()}
        wanted = self.model_dump() | changes
        return urlencode({name: value for name, value in wanted.items() if value != usual[name]})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the query strings of those before and after it."""

    rows: Sequence[Row]
    total: int
    first: int
    earlier: str | None
    later: str | None

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def read_page(
    conn: Conn, statement: LiteralString, wanted: ListFilter, extra: Mapping[str, Any] | None = None
) -> Page:
    """Runs a list's statement, whose rows carry `total`."""
    rows = conn.execute(statement, wanted.to_sql() | dict(extra or {})).fetchall()
    total = rows[0]["total"] if rows else 0
    first = (wanted.page - 1) * PAGE_LENGTH + 1
    earlier = wanted.query(page=wanted.page - 1) if wanted.page > 1 else None
    more = first + len(rows) - 1 < total
    return Page(rows, total, first, earlier, wanted.query(page=wanted.page + 1) if more else None)


def _escape(text: str) -> str:
    """Takes the meaning from LIKE's own signs."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
